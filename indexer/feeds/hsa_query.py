"""HSA, asked person by person: the transport `hsa`.

Inera's rules for whoever refreshes a database (service contract description authorizationmanagement 2.4.5, chapter 4): ask
GetHospLastUpdate first, use one thread, wait for each answer before the next question, and pause 50 ms between them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from indexer.feeds.download import as_stamp, where
from indexer.feeds.errors import FeedChangedError, FeedUnavailableError
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.hsa_credentials import SUBJECT, UNANSWERED
from indexer.feeds.hsa_service import HsaSource, Service, UnansweredError
from indexer.feeds.spool import Part
from registry.errors import SettingsError
from registry.identifiers import parse_personal_number

REGISTRY = "registry"
_DIGITS = 12


def fetch(source: HsaSource, fetching: Fetching) -> Fetched:
    """Ask about everyone, one line of JSON each: `{"subject": number, "soap" | "json" | "unanswered": ...}`.

    Nobody is asked about when HSA has had nothing new from Socialstyrelsen and the people are the same as in the last run.
    The stamp is `lastUpdate` as it was before the first question: if it moves meanwhile, the next run asks anew.

    Raises:
        FeedUnavailableError: the service can't be asked, too many people in a row got no answer, or its data is older than
            what stands or than `source.max_update_age_days`.
        FeedChangedError: its data became older while we asked.
        SettingsError: a file named in the feed file can't be read.
    """
    people = _people(source, fetching)
    with Service(source, fetching.settings) as service:
        updated = service.last_update()
        _check_age(source, updated)
        etag = fetching.conceal("\n".join(sorted(people)).encode())
        if _unchanged(source, fetching, updated, etag):
            return fetching.unchanged()
        with fetching.files.part("answers.ndjson") as part:
            tally = _ask_all(source, service, people, part)
        later = service.last_update() if people else updated
        if later < updated:
            raise FeedChangedError(
                f"{where(source.url)} went back to older data while it was asked; nothing of this run is kept. Pull again."
            )
    # A person without an answer must be asked about again, also when nothing else is new.
    fetched = fetching.fetched(
        as_stamp(updated),
        "" if tally.unanswered else etag,
        complete=False,
        notes=tally.notes(moved=later > updated),
    )
    # The plain digest of answers about one or two people can be found by trying all numbers.
    digest = fetching.conceal(fetched.digest.encode())
    known = fetching.previous is not None and fetching.previous.digest == digest
    return replace(fetched, digest=digest, not_modified=known)


def _unchanged(source: HsaSource, fetching: Fetching, updated: datetime, etag: str) -> bool:
    previous = fetching.previous
    if previous is None or previous.stamp is None:
        return False
    stands = datetime.fromisoformat(previous.stamp)
    if updated < stands:
        raise FeedUnavailableError(
            f"{where(source.url)} says that its data is of {as_stamp(updated)}, older than the {previous.stamp} that stands. "
            "Nobody was asked about; look at the service, it may have been restored from an old copy."
        )
    return updated == stands and previous.etag == etag


def _check_age(source: HsaSource, updated: datetime) -> None:
    days = source.max_update_age_days
    if days and datetime.now(UTC) - updated > timedelta(days=days):
        raise FeedUnavailableError(
            f"{where(source.url)} last had data from Socialstyrelsen {as_stamp(updated)}, more than {days} days ago; HSA "
            "promises once a month. Ask Inera, or raise source.max_update_age_days."
        )


@dataclass
class _Tally:
    """What came of the questions of one run, in people."""

    asked: int = 0
    empty: int = 0
    unanswered: int = 0

    def notes(self, *, moved: bool) -> tuple[str, ...]:
        """Return what the receipt should say."""
        found = [f"Asked about {self.asked} people."]
        if self.empty:
            found.append(
                f"HSA has nothing about {self.empty} of them: Socialstyrelsen has not been asked about them, which does not "
                "mean that they have no licence."
            )
        if self.unanswered:
            found.append(
                f"There was no answer about {self.unanswered} of them; they are asked about again next time."
            )
        if moved:
            found.append("HSA had news while it was asked; everybody is asked about again next time.")
        return tuple(found)


def _ask_all(source: HsaSource, service: Service, people: Iterable[str], part: Part) -> _Tally:
    """Ask about each person.

    Raises:
        FeedUnavailableError: too many in a row got no answer.
    """
    tally, in_a_row = _Tally(), 0
    for number in people:
        tally.asked += 1
        try:
            line, empty = service.credentials(number)
            tally.empty, in_a_row = tally.empty + empty, 0
        except UnansweredError as error:
            tally.unanswered, in_a_row = tally.unanswered + 1, in_a_row + 1
            if in_a_row >= source.max_failures:
                raise FeedUnavailableError(
                    f"{where(source.url)} gave no answer about {in_a_row} people in a row ({error.reason}). Nothing of this "
                    "run is kept. Pull again later."
                ) from error
            line = {SUBJECT: number, UNANSWERED: error.reason}
        part.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return tally


def _people(source: HsaSource, fetching: Fetching) -> list[str]:
    if source.subjects == REGISTRY:
        return list(dict.fromkeys(fetching.subjects()))
    return list(dict.fromkeys(_listed(Path(source.subjects))))


def _listed(path: Path) -> Iterable[str]:
    """Read a file of numbers, one a line; empty lines and those that begin with # don't count.

    Raises:
        SettingsError: it can't be read, holds none, or a line is no such number. Lines are told by number, not by content.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise SettingsError(f"source.subjects {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"source.subjects {path} is no text in UTF-8.") from error
    found = [(number, text) for number, line in enumerate(lines, 1) if (text := line.strip())]
    found = [(number, text) for number, text in found if not text.startswith("#")]
    if not found:
        raise SettingsError(f"source.subjects {path} holds no number; write one (12 digits) a line.")
    for number, text in found:
        digits = text.replace("-", "")
        try:
            yield parse_personal_number(
                digits if len(digits) == _DIGITS else "", today=datetime.now(UTC).date()
            )
        except ValueError as error:
            raise SettingsError(
                f"source.subjects {path}, line {number}: {error}, with all twelve digits."
            ) from error
