"""`kill -9` at random moments of publishing, and publishing again: nothing is missing, nothing is old."""

import os
import random
import signal
import time

import pytest

from tests.indexer.faults.houses import FaultHouse, people

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
KILLS = 50 if SOAK else 3
PEOPLE = 3000
SEED = int(os.environ.get("REGISTRY_TEST_SEED", "1"))
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Many batches, so that a kill meets each step of one.
MANY_BATCHES = {"REGISTRY_INDEXER__PUBLISH_BATCH": "100"}
# Beyond the moment at which so much is done, seconds in which a batch goes through all its steps.
_WITHIN_A_BATCH_S = 0.15
_LOOK_S = 0.005
_PATIENCE_S = 300.0


def killed_at(house: FaultHouse, left: int, later_s: float) -> bool:
    """Publish, and kill it a moment after so few changes are left; return whether it was still running."""
    ends_at = time.monotonic() + _PATIENCE_S
    with house.process("publish", **MANY_BATCHES) as process:
        # Counted in changes and not in seconds: machines are not always equally fast.
        while process.poll() is None and house.waiting() > left:
            assert time.monotonic() < ends_at
            time.sleep(_LOOK_S)
        time.sleep(later_s)
        process.kill()
        _, errors = process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, errors
    return process.returncode != 0


@pytest.mark.soak
def test_a_publisher_killed_at_random_moments_loses_nothing(either: FaultHouse) -> None:
    chance = random.Random(SEED)
    either.load(people(PEOPLE))
    either.run("publish")
    killed = 0
    for part in range(KILLS):
        # What the last kill left over waits too.
        either.load(people(PEOPLE, f"Åsa{_LETTERS[part // 26]}{_LETTERS[part % 26]}"))
        left = int(either.waiting() * chance.random())
        killed += killed_at(either, left, chance.uniform(0, _WITHIN_A_BATCH_S))
        assert either.dead() == 0
    print(f"{killed} of {KILLS} kills while publishing")  # noqa: T201 - told with -s, and when it fails
    # What is told as confirmed is there: nothing but what waits may be missing or old.
    told = either.run("compare")
    assert (told["missing"], told["extra"], told["stale"]) == (0, 0, 0)
    either.run("publish")
    either.equal(PEOPLE)
    # The last changes may be through within the moment.
    assert killed >= KILLS * 2 // 3
