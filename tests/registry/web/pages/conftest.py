"""One house for all page tests; tests that break something make their own."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.registry.web.pages.house import EMPLOYER, House, running_house


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running registry; tests add access events to it and nothing else."""
    with running_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="session")
def employer(house: House) -> Iterator[httpx.Client]:
    """A browser in which an employer is logged in, in Swedish."""
    with house.browser(EMPLOYER) as browser:
        yield browser


@pytest.fixture
def own_house(tmp_path: Path) -> Iterator[House]:
    """A registry that the test may break."""
    with running_house(tmp_path) as house:
        yield house
