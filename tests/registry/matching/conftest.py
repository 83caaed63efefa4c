import pytest

from registry.matching.model import load_model
from registry.matching.score import Scorer
from tests.registry.matching.rows import Shares


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return Scorer(load_model(), Shares())
