"""A question as it is asked, and what it must be to be answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from registry import dates
from registry.errors import BadRequestError
from registry.identifiers import fold_number, holds_personal_number, parse_personal_number
from registry.names import words
from registry.records.read import Feed
from registry.verification.situation import Moment
from registry.vocabulary import UNKNOWN, Vocabulary

# Longer than any number or name that an authority gives out; bounds the work a question can cause.
MAX_NUMBER = 64
MAX_NAME = 200
# Of moments of knowledge: no register of licensed people that can be read is older.
_FIRST_YEAR = 1900


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Question:
    """Who is asked about, as what and for when. Empty texts are the same as None.

    One of three ways says who: `licence_number` (also another public number of the person, such as an NPI),
    `personal_number`, or `name` with `birth_date`. Beside a number, name and birth date are checked against the
    record. The question has no repr: it may hold a personal identity number.

    Attributes:
        authority: id of the authority whose licence is meant, as `/v1/feeds` tells it.
        profession: our code for a profession, or its name in Swedish or English.
        birth_date: `YYYY-MM-DD`, also without hyphens or cut to `YYYY-MM` or `YYYY`.
        on_date: the day asked about, when it held in the world; None for the last day that the knowledge reaches: today, or
            the day of `known_at`.
        known_at: with what knowledge (what the registry knew at that moment, with its zone); None for that of now.
    """

    licence_number: str | None = None
    authority: str | None = None
    personal_number: str | None = None
    name: str | None = None
    birth_date: str | None = None
    profession: str | None = None
    on_date: date | None = None
    known_at: datetime | None = None

    def moment(self, now: datetime, zone: tzinfo) -> Moment:
        """Return the two times asked about.

        Raises:
            BadRequestError: the moment of knowledge has no zone, is centuries ago, or has not come.
        """
        known = self.known_at
        if known is not None and known.tzinfo is None:
            raise BadRequestError(
                "The moment of knowledge needs its offset from UTC, as in 2026-03-01T12:00:00+01:00."
            )
        if known is not None and known.year < _FIRST_YEAR:
            # Of that time nothing is known, and the first and last years of the calendar have no room for other zones.
            raise BadRequestError(f"The moment of knowledge must be in the year {_FIRST_YEAR} or later.")
        if known is not None and known > now:
            raise BadRequestError(
                "The moment of knowledge may not be after now; what will be known is not known."
            )
        at = (known or now).astimezone(UTC)
        return Moment(self.on_date or at.astimezone(zone).date(), at, zone, earlier=known is not None)


@dataclass(frozen=True, slots=True, repr=False)
class CheckedQuestion:
    """A question that can be answered: texts trimmed, words turned into codes, the number in 12 digits."""

    licence_number: str
    authority: str | None
    personal_number: str
    name: str
    birth_date: str | None
    profession: str | None
    moment: Moment


def check_question(
    question: Question,
    moment: Moment,
    feeds: Mapping[str, Feed],
    vocabulary: Vocabulary,
    today: date | None = None,
) -> CheckedQuestion:
    """Check a question.

    Args:
        question: as asked.
        moment: its two times.
        feeds: by id.
        vocabulary: our words.
        today: the day it is, from which a number without century gets its own; None: the moment's.

    Raises:
        BadRequestError: `detail` says what to change; it never repeats a personal identity number.
    """
    number, name = _text(question.licence_number), _text(question.name)
    personal, birth_date = _text(question.personal_number), _birth_date(_text(question.birth_date))
    if number and personal:
        raise BadRequestError("Give a licence number or a personal identity number, not both.")
    if not (number or personal or (name and birth_date)):
        raise BadRequestError(
            "Give a licence number, a personal identity number, or a name with a birth date."
        )
    if moment.on_date > moment.today:
        late = "the moment of knowledge" if moment.earlier else "today"
        raise BadRequestError(f"The date asked about may not be after {late}; what will hold is not known.")
    _check_name(name)
    _check_number(number)
    return CheckedQuestion(
        licence_number=number,
        authority=_authority(_text(question.authority), feeds),
        personal_number=_personal(personal, today or moment.today),
        name=name,
        birth_date=birth_date,
        profession=_profession(_text(question.profession), vocabulary),
        moment=moment,
    )


def _text(given: str | None) -> str:
    return (given or "").strip()


def _check_number(number: str) -> None:
    if number and not (any(map(str.isalnum, number)) and len(fold_number(number)) <= MAX_NUMBER):
        raise BadRequestError(
            f"The licence number must hold a letter or digit and at most {MAX_NUMBER} characters; "
            "write it as on the licence."
        )


def _check_name(name: str) -> None:
    if not name:
        return
    if holds_personal_number(name):
        raise BadRequestError(
            "The name holds what may be a personal identity number; send that in its own field."
        )
    if not words(name) or len(name) > MAX_NAME:
        raise BadRequestError(f"The name must hold a letter and at most {MAX_NAME} characters.")


def _birth_date(text: str) -> str | None:
    if not text:
        return None
    try:
        return dates.parse_compact(text)
    except ValueError as error:
        raise BadRequestError(f"The birth date can't be read: {error}.") from error


def _personal(text: str, today: date) -> str:
    if not text:
        return ""
    try:
        return parse_personal_number(text, today=today)
    except ValueError as error:
        raise BadRequestError(f"The personal identity number can't be read: {error}.") from error


def _authority(authority: str, feeds: Mapping[str, Feed]) -> str | None:
    known = {feed.authority_id for feed in feeds.values()}
    if authority and authority not in known:
        raise BadRequestError(
            f"There is no such authority; it must be one of: {', '.join(sorted(known)) or '–'}."
        )
    return authority or None


def _profession(text: str, vocabulary: Vocabulary) -> str | None:
    if not text:
        return None
    code = vocabulary.find_profession(text)
    if code is None or code == UNKNOWN:
        raise BadRequestError("There is no such profession; use a code or name that the search facets list.")
    return code
