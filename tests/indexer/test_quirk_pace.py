"""How fast an authority is asked: never by two at once, and with its pause between two questions."""

import time
from pathlib import Path
from threading import Lock

import msgspec
import orjson

from indexer.feeds import load_feed
from indexer.feeds.hsa_service import HsaSource
from indexer.feeds.sources import SocrataSource
from indexer.pull import Puller
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds import hsa_text
from tests.indexer.feeds.source import Answer, Asked, running
from tests.support.world import World

PAUSE_S = 0.05


class Clerk:
    """Answers slowly, and notes when each question came and went, and how many were asked at once."""

    def __init__(self) -> None:
        self.most = 0
        self.gaps: list[float] = []
        self._now = 0
        self._done = 0.0
        self._lock = Lock()

    def answers(self, answer: Answer) -> Answer:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            if self._done:
                self.gaps.append(time.monotonic() - self._done)
        time.sleep(PAUSE_S / 5)
        with self._lock:
            self._now -= 1
            self._done = time.monotonic()
        return answer


def puller(world: World) -> Puller:
    return Puller(world.engine, world.sealer, load_vocabulary(), world.settings.indexer)


def kept_its_distance(clerk: Clerk, questions: int) -> None:
    assert clerk.most == 1
    assert len(clerk.gaps) == questions - 1
    assert min(clerk.gaps) >= PAUSE_S


def test_hsa_is_asked_by_one_at_a_time_with_its_pause_between_two(small_world: World, tmp_path: Path) -> None:
    """The shipped pace is Inera's: one thread, 50 ms between two questions."""
    numbers = [hsa_text.number(f"19{year}0101") for year in range(60, 65)]
    subjects = tmp_path / "people"
    subjects.write_text("\n".join(numbers))
    shipped = load_feed(CONFIG / "feeds" / "hsa.toml")
    assert isinstance(shipped.source, HsaSource)
    clerk = Clerk()

    def credentials(asked: Asked) -> Answer:
        about = orjson.loads(asked.content)["personId"]
        return clerk.answers(Answer(orjson.dumps(hsa_text.answer(about))))

    with running() as server:
        server.routes["/update"] = lambda _: Answer(b'{"lastUpdate": "2026-11-20T00:00:00Z"}')
        server.routes["/person"] = credentials
        source = msgspec.structs.replace(
            shipped.source,
            protocol="json",
            url=f"{server.url}/person",
            last_update_url=f"{server.url}/update",
            subjects=str(subjects),
            client_cert_file="",
            client_key_file="",
            ca_file="",
            max_update_age_days=0,
        )
        report = puller(small_world).pull(msgspec.structs.replace(shipped, source=source))

    assert (report.state, report.error, report.counts.added) == ("succeeded", "", len(numbers))
    kept_its_distance(clerk, len(numbers))


def test_pages_are_asked_for_with_the_pause_that_the_feed_file_names(small_world: World) -> None:
    clerk = Clerk()
    row = {"credentialtype": "Registered Nurse License", "status": "ACTIVE", "lastname": "Berg"}
    rows = [row | {"credentialnumber": f"RN{n}", "firstname": "Anna", "birthyear": "1980"} for n in range(7)]

    def page(asked: Asked) -> Answer:
        start = int(asked.query["$offset"])
        assert asked.query["$order"] == ":id", "without it pages overlap and leave rows out"
        return clerk.answers(Answer(orjson.dumps(rows[start : start + 2])))

    with running() as server:
        server.routes["/rows"] = page
        source = SocrataSource(
            url=f"{server.url}/rows", page_size=2, check_count=False, pause_ms=1000 * PAUSE_S
        )
        feed = msgspec.structs.replace(load_feed(CONFIG / "feeds" / "washington.toml"), source=source)
        report = puller(small_world).pull(feed)

    assert (report.state, report.error, report.counts.added) == ("succeeded", "", len(rows))
    kept_its_distance(clerk, 4)
