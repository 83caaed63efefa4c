"""Answering a list part by part: rows become questions, questions results, and each part is committed whole.

Rows by number never wait for the search engine. While that is down the run waits a little for it, once; then rows by name
are marked `could not check` and kept, so that running the list again asks only those.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from threading import Event
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from registry.access.log_many import Event as AccessEvent
from registry.access.log_many import record_many
from registry.checks.desk import Desk
from registry.checks.lists import queue, sealed
from registry.checks.lists.asking import AskedRow, Frame, RowError, ask, reference_of
from registry.checks.lists.down import is_down
from registry.checks.lists.queue import Claimed, Part, Written
from registry.checks.lists.reading import Row
from registry.checks.lists.results import INTERNAL, SEARCH_DOWN, RowResult, answered, holds, unanswered
from registry.checks.lists.watching import Watch
from registry.checks.lists.zeros import others_meant
from registry.database import of_one_moment
from registry.errors import BadRequestError, RegistryError, SearchUnavailableError
from registry.identifiers import mask_personal_numbers
from registry.records import read
from registry.records.hidden import hidden
from registry.verification.question import Question
from registry.verification.verify import Answered

log = structlog.get_logger()
# Seconds between two tries of a search engine that is down.
_TRY_AGAIN_S = 1.0
_encode = msgspec.json.Encoder(order="deterministic").encode
Indexed = tuple[AskedRow, Question]
Answer = Answered | RegistryError
Outcomes = tuple[list[RowResult], list[AccessEvent]]


@dataclass
class Run:
    """One worker's run of one list.

    Attributes:
        stop: set when the worker is to end: the part under way is finished, no further one is begun, and the search engine is
            not waited for.
    """

    desk: Desk
    mine: Claimed
    stop: Event

    def __post_init__(self) -> None:
        self._limits = self.desk.settings.checks.lists
        self._patience_s = self._limits.search_wait_s
        self._search_is_down = False
        # The last try before the list is given up: the row that is at fault is looked for in the first part that is left.
        self._careful = self.mine.takeovers >= self._limits.max_takeovers
        given = sealed.open_frame(self.desk.sealer, self.mine.id, self.mine.frame)
        self._given = given
        self._watch = Watch()

    def part(self, part: Part) -> int:
        """Answer a part and commit it; return how many rows it had.

        Raises:
            LostListError: the list is no longer ours; nothing was kept.
            SQLAlchemyError: a database does not answer; nothing was kept.
            ValueError: the part does not open with this key.
        """
        rows = sealed.open_rows(self.desk.sealer, self.mine.id, part.rows)
        frame = self._frame()
        results, events = self._one_by_one(rows, frame) if self._careful else self._together(rows, frame)
        again = {each.row for each in results if each.retry}
        kept = [row for row in rows if row[0] in again]
        queue.commit_part(
            self.desk.access,
            self.mine,
            part,
            [self._written(each) for each in results],
            kept=([number for number, _ in kept], sealed.seal_rows(self.desk.sealer, self.mine.id, kept))
            if kept
            else None,
            lease_s=self._limits.lease_timeout_s,
            log=lambda connection: self._log(connection, events),
        )
        self._careful = False
        self._watch.look(self.desk, self.mine.caller)
        return len(rows)

    def _together(self, rows: Sequence[Row], frame: Frame) -> Outcomes:
        return self._answer([ask(number, cells, frame) for number, cells in rows])

    def _one_by_one(self, rows: Sequence[Row], frame: Frame) -> Outcomes:
        """Answer each row by itself, so that one that nobody can answer does not cost the others their results."""
        results: list[RowResult] = []
        events: list[AccessEvent] = []
        for row in rows:
            try:
                result, event = self._together([row], frame)
            except Exception as error:
                if isinstance(error, SQLAlchemyError) and is_down(error):
                    raise
                # Only the kind: an error's own words may hold values.
                kind = type(error).__name__
                log.error("a row can't be answered", list=self.mine.id, row=row[0], error=kind)  # noqa: TRY400 - see above
                asked = AskedRow(row[0], reference_of(row[1], frame.columns))
                result, event = [unanswered(asked, INTERNAL)], []
            results += result
            events += event
        return results, events

    def _frame(self) -> Frame:
        """Return what holds for every row. Authorities are those there are; the day is that of the list, however long it takes."""
        given = self._given
        with self.desk.truth.connect() as connection:
            feeds = read.feeds(connection).values()
        authorities = {
            word.casefold(): feed.authority_id
            for feed in feeds
            for word in (feed.authority_name_en, feed.authority_name_sv, feed.authority_id)
        }
        day = date.fromisoformat(given["day"])
        known_at = datetime.fromisoformat(given["knownAt"]) if given["knownAt"] else None
        return Frame(
            columns=given["columns"],
            headers=given["headers"],
            vocabulary=self.desk.vocabulary,
            authorities=authorities,
            today=day,
            on_date=date.fromisoformat(given["onDate"]) if given["onDate"] else None if known_at else day,
            known_at=known_at,
            profession=given["profession"],
            authority=given["authority"],
        )

    def _answer(self, asked: Sequence[AskedRow]) -> Outcomes:
        questions = [(row, row.question) for row in asked if row.question is not None]
        numbers = [each for each in questions if not _by_name(each[1])]
        names = [each for each in questions if _by_name(each[1])]
        given = {
            row.number: answer
            for some, answers in ((numbers, self._ask(numbers)), (names, self._ask_names(names)))
            for (row, _), answer in zip(some, answers, strict=True)
        }
        untold = self._hidden(given.values())
        others = self._others_meant(row for row, _ in numbers)
        results: list[RowResult] = []
        events: list[AccessEvent] = []
        for row in asked:
            answer = given.get(row.number)
            result = self._result(row, answer, untold, others.get(row.number, ()))
            results.append(result)
            if isinstance(answer, Answered) and row.question is not None:
                events.append(self._event(row, row.question, result, answer.ids))
                self._watch.add(row.question, answer)
        return results, events

    def _ask(self, questions: Sequence[Indexed]) -> list[Answer]:
        if not questions:
            return []
        with of_one_moment(self.desk.truth).connect() as connection:
            asked = [question for _, question in questions]
            try:
                return self.desk.verifier().verify_many(asked, connection, self.desk.now())
            except BadRequestError as error:
                # What holds for every row can't be answered, such as a moment of knowledge too long ago.
                return [error] * len(questions)

    def _ask_names(self, questions: Sequence[Indexed]) -> list[Answer]:
        """Ask by name, waiting for an engine that is down as long as the run's patience lasts."""
        if not questions:
            return []
        if self._search_is_down:
            first = self._probe(questions[0])
            if isinstance(first, SearchUnavailableError):
                return [first] * len(questions)
            self._search_is_down = False
        began = time.monotonic()
        answers = self._ask(questions)
        while waiting := [i for i, each in enumerate(answers) if isinstance(each, SearchUnavailableError)]:
            self._patience_s -= time.monotonic() - began
            began = time.monotonic()
            if self._patience_s <= 0 or self.stop.is_set():
                self._search_is_down = True
                log.warning(
                    "search is down, rows by name could not be checked", list=self.mine.id, rows=len(waiting)
                )
                break
            self.stop.wait(min(_TRY_AGAIN_S, self._patience_s))
            if isinstance(self._probe(questions[waiting[0]]), SearchUnavailableError):
                continue
            for i, answer in zip(waiting, self._ask([questions[i] for i in waiting]), strict=True):
                answers[i] = answer
        return answers

    def _probe(self, question: Indexed) -> Answer:
        """Ask one row, which tells whether the engine is back: asking for each would cost each its timeout."""
        return self._ask([question])[0]

    def _hidden(self, answers: Iterable[Answer]) -> Collection[int]:
        """Return who is protected of those that questions without one clear answer have hit."""
        about = {
            person
            for each in answers
            if isinstance(each, Answered) and each.verification.outcome in {"ambiguous", "mismatch"}
            for person in each.ids
        }
        if not about:
            return ()
        with self.desk.truth.connect() as connection:
            return hidden(connection, about)

    def _number_differs(self, row: AskedRow, answer: Answered) -> bool:
        """Tell whether the licence number beside a personal identity number is somebody else's, or nobody's."""
        found = answer.verification
        if not row.licence_number or found.practitioner is None or holds(found, row.licence_number):
            return False
        with self.desk.truth.connect() as connection:
            return found.practitioner.id not in read.ids_by_licence_number(connection, row.licence_number)

    def _others_meant(self, rows: Iterable[AskedRow]) -> Mapping[int, tuple[int, ...]]:
        """Return who else rows may be about whose licence number may have lost zeros."""
        some = [row for row in rows if row.zeros_lost]
        if not some:
            return {}
        with self.desk.truth.connect() as connection:
            return others_meant(connection, some)

    def _result(
        self, row: AskedRow, answer: Answer | None, untold: Collection[int], others: Collection[int]
    ) -> RowResult:
        if isinstance(answer, Answered):
            differs = self._number_differs(row, answer)
            return answered(row, answer, hidden=untold, differs=differs, others=others)
        if isinstance(answer, SearchUnavailableError):
            return unanswered(row, SEARCH_DOWN, retry=True)
        if isinstance(answer, RegistryError):
            # The question as a whole can't be answered; what it says never repeats a personal identity number.
            return unanswered(row, RowError("", answer.slug, answer.detail))
        return unanswered(row)

    def _written(self, result: RowResult) -> Written:
        detail = sealed.seal_detail(self.desk.sealer, self.mine.id, result.detail)
        return Written(result.row, result.result, result.practitioner_id, detail)

    def _event(self, row: AskedRow, question: Question, result: RowResult, ids: Sequence[int]) -> AccessEvent:
        told: dict[str, Any] = {
            "list": self.mine.id,
            "row": row.number,
            "licence_number": question.licence_number or row.licence_number,
            "name": question.name,
            "birth_date": question.birth_date,
            "profession": question.profession,
            "authority": question.authority,
            "on_date": question.on_date.isoformat() if question.on_date else None,
            "known_at": question.known_at.isoformat() if question.known_at else None,
            "reference": row.reference,
            "by_personal_number": True if question.personal_number else None,
        }
        plain = {
            name: mask_personal_numbers(value) if isinstance(value, str) else value
            for name, value in told.items()
            if value
        }
        return AccessEvent(_encode(plain).decode(), result.verdict or "", ids)

    def _log(self, connection: sa.Connection, events: Sequence[AccessEvent]) -> None:
        record_many(
            connection,
            self.mine.caller,
            events,
            purpose=self.mine.purpose,
            action="verify",
            request_id=self.mine.request_id,
        )


def _by_name(question: Question) -> bool:
    return not (question.licence_number or question.personal_number)
