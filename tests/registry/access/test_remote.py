"""The rules of a remote value, with threads that are held up on purpose."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from registry.access.remote import Remote
from registry.errors import IdentityProviderUnavailableError
from tests.registry.access.conftest import Clock

PATIENCE = 20  # seconds a held-up thread waits before the test calls it stuck


class Source:
    """A slow provider: each fetch waits until it is let go, and gives the next value."""

    def __init__(self) -> None:
        self.values: list[str] = ["first"]
        self.fetches = 0
        self.begun = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def fetch(self) -> str:
        self.fetches += 1
        self.begun.set()
        assert self.go.wait(PATIENCE)
        value = self.values[min(self.fetches, len(self.values)) - 1]
        if value == "down":
            raise IdentityProviderUnavailableError
        if value == "bug":
            raise ZeroDivisionError
        return value


def _remote(source: Source, clock: Clock, *, wait_s: float = PATIENCE) -> Remote[str]:
    return Remote(source.fetch, ttl_s=300, cooldown_s=30, max_stale_s=3600, wait_s=wait_s, clock=clock)


def test_readers_go_on_with_the_old_value_while_one_fetches(clock: Clock) -> None:
    source = Source()
    remote = _remote(source, clock)
    assert remote.get() == "first"
    source.values.append("second")
    source.begun.clear()
    source.go.clear()
    clock.pass_(300)
    with ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(remote.get)
        assert source.begun.wait(PATIENCE)
        assert remote.get() == "first", "the reader did not wait"
        source.go.set()
        assert fetching.result(PATIENCE) == "second"
    assert remote.get() == "second"
    assert source.fetches == 2


def test_a_reader_that_the_old_value_does_not_serve_waits_for_the_new_one(clock: Clock) -> None:
    source = Source()
    remote = _remote(source, clock)
    assert remote.get() == "first"
    source.values.append("second")
    source.begun.clear()
    source.go.clear()
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(remote.get, lambda value: value == "second")
        assert source.begun.wait(PATIENCE)
        other = threads.submit(remote.get, lambda value: value == "second")
        source.go.set()
        assert (one.result(PATIENCE), other.result(PATIENCE)) == ("second", "second")
    assert source.fetches == 2


def test_a_reader_does_not_wait_for_ever(clock: Clock) -> None:
    source = Source()
    source.go.clear()
    remote = _remote(source, clock, wait_s=0.05)
    with ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(remote.get)
        assert source.begun.wait(PATIENCE)
        with pytest.raises(IdentityProviderUnavailableError):
            remote.get()
        source.go.set()
        assert fetching.result(PATIENCE) == "first"


def test_a_failed_fetch_keeps_the_last_value(clock: Clock) -> None:
    source = Source()
    source.values = ["first", "down", "second"]
    remote = _remote(source, clock)
    remote.get()
    clock.pass_(300)
    assert remote.get() == "first"
    assert remote.get() == "first"
    assert source.fetches == 2, "not asked again within the cooldown"
    clock.pass_(30)
    assert remote.get() == "second"


def test_a_fault_in_fetching_reaches_its_caller_and_blocks_nobody(clock: Clock) -> None:
    source = Source()
    source.values = ["bug", "second"]
    remote = _remote(source, clock)
    with pytest.raises(ZeroDivisionError):
        remote.get()
    with pytest.raises(IdentityProviderUnavailableError):
        remote.get()
    clock.pass_(30)
    assert remote.get() == "second"


def test_a_missing_part_is_asked_for_once_a_cooldown(clock: Clock) -> None:
    source = Source()
    remote = _remote(source, clock)
    remote.get()
    for _ in range(5):
        assert remote.get(lambda value: value == "second") == "first"
    assert source.fetches == 2
    source.values = ["first", "first", "second"]
    clock.pass_(30)
    assert remote.get(lambda value: value == "second") == "second"


def test_a_reader_whose_part_was_published_after_anothers_fetch_began_asks_again(clock: Clock) -> None:
    source = Source()
    remote = _remote(source, clock)
    remote.get()
    source.values = ["first", "second", "third"]
    source.begun.clear()
    source.go.clear()
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(remote.get, lambda value: value == "second")
        assert source.begun.wait(PATIENCE)
        other = threads.submit(remote.get, lambda value: value == "third")
        source.go.set()
        assert (one.result(PATIENCE), other.result(PATIENCE)) == ("second", "third")


def test_a_forked_worker_does_not_wait_for_a_fetch_of_its_parents(clock: Clock) -> None:
    """The parent's fetch hangs while the worker is forked: the worker, which has no such thread, fetches by itself (F11)."""
    source = Source()
    source.values = ["first", "second"]
    remote = _remote(source, clock)
    source.go.clear()
    with ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(remote.get)
        assert source.begun.wait(PATIENCE)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:  # pragma: no cover - in the child
            told = b"failed"
            try:
                source.go = threading.Event()
                source.go.set()
                told = remote.get().encode()
            finally:
                os.write(writer, told)
                os._exit(0)
        os.close(writer)
        assert os.read(reader, 100) == b"second"
        os.close(reader)
        os.waitpid(child, 0)
        source.go.set()
        assert fetching.result(PATIENCE) == "first"
