"""What an evaluation set is: people of a register, and questions whose right answers are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One person as the register records them.

    Attributes:
        person: who it is; questions about them carry the same.
        given, family: the official name; either may be "".
        birth_date: a partial date, None: not known.
        former: (given, family) of earlier names that the register still holds.
    """

    person: str
    given: str
    family: str
    birth_date: str | None
    former: tuple[tuple[str, str], ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One question.

    Attributes:
        person: whom it is about.
        name: as written in one box; what is asked, unless the parts are asked for.
        given, family: the same as two boxes.
        errors: what was done to the recorded name and date, by name (`tests.eval.errors`); () for a set that does not tell.
    """

    person: str
    name: str
    given: str
    family: str
    birth_date: str | None
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvalSet:
    """People and questions about them.

    Attributes:
        about: where it comes from, for the report.
        seed: that it was drawn with; None: it is as published.
    """

    name: str
    register: Sequence[Entry]
    questions: Sequence[Asked]
    about: str
    seed: int | None = None
