"""One running sandbox for the whole test run; tests that change it start their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from indexer.sandbox.people import People
from indexer.sandbox.plan import Plan
from indexer.sandbox.registers import Registers, publish, read
from indexer.sandbox.server import running

PLAN = Plan(1200, seed=5, year=2026)


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, what it serves, and who is in it."""

    url: str
    folder: Path
    registers: Registers
    people: People
    http: httpx.Client


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    parent = tmp_path_factory.mktemp("sandbox")
    folder = publish(PLAN, parent)
    with running(PLAN, parent, retry_after_s=0) as url, httpx.Client(base_url=url) as http:
        yield Sandbox(url, folder, read(folder), People(PLAN), http)


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A small sandbox that the test may spoil."""
    plan = Plan(60, seed=5, year=2026)
    with running(plan, tmp_path, retry_after_s=0) as url, httpx.Client(base_url=url) as http:
        folder = publish(plan, tmp_path)
        yield Sandbox(url, folder, read(folder), People(plan), http)
