"""Putting a new sealing key in the place of another: every sealed value of both databases is sealed anew.

Beside a running service, which must know both keys (`privacy.sealing_key`, `privacy.opening_keys`). A value that somebody changes
meanwhile is left to him: he seals with the new key. Safe to end at any moment and to begin again: what is done is told by the mark that
each value begins with. docs/keys.md is the procedure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.session_store import context_of
from registry.access.tables import web_session
from registry.checks.evidence import ANSWER, QUESTION
from registry.checks.lists.sealed import FRAME, RESULT, ROWS
from registry.checks.lists.tables import staff_list, staff_list_part, staff_list_row
from registry.checks.subject_requests import WORDS
from registry.checks.tables import check_evidence, subject_request_step
from registry.database import writing
from registry.records.tables import held_change, identifier, source_record_version
from registry.sealing import IDENTIFIER, MARK_BYTES, SOURCE_RECORD, Sealer

Chain = Literal["records", "access"]
# Values sealed anew in one transaction: on SQLite nobody else can write meanwhile.
PART = 500
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Sealed:
    """A column of sealed values.

    Attributes:
        chain: the database it is in.
        column: its values may be NULL.
        bound_to: the column whose value a sealed value is bound to, beside its kind; None: the kind alone.
        context: returns what that is, from the value of `bound_to`.
    """

    chain: Chain
    column: sa.Column[Any]
    bound_to: sa.Column[Any] | None
    context: Callable[[Any], bytes]

    @property
    def name(self) -> str:
        """`table.column`."""
        return f"{self.column.table.name}.{self.column.name}"

    @property
    def key(self) -> tuple[sa.Column[Any], ...]:
        """The primary key of its table."""
        return tuple(self.column.table.primary_key.columns)


def _kind(context: bytes) -> Callable[[Any], bytes]:
    return lambda _: context


def _of(context: bytes) -> Callable[[Any], bytes]:
    return lambda text: context + text.encode()


# Every one there is; a test holds it against the tables. Personal identity numbers come first.
SEALED: tuple[Sealed, ...] = (
    Sealed("records", identifier.c.sealed, None, _kind(IDENTIFIER)),
    Sealed("records", source_record_version.c.payload, None, _kind(SOURCE_RECORD)),
    Sealed("records", held_change.c.payload, None, _kind(SOURCE_RECORD)),
    Sealed("access", check_evidence.c.question, check_evidence.c.id, _of(QUESTION)),
    Sealed("access", check_evidence.c.answer, check_evidence.c.id, _of(ANSWER)),
    Sealed("access", staff_list.c.frame, staff_list.c.id, _of(FRAME)),
    Sealed("access", staff_list_part.c.rows, staff_list_part.c.list_id, _of(ROWS)),
    Sealed("access", staff_list_row.c.detail, staff_list_row.c.list_id, _of(RESULT)),
    Sealed("access", subject_request_step.c.words, subject_request_step.c.request_id, _of(WORDS)),
    Sealed("access", web_session.c.data, web_session.c.id_digest, lambda digest: context_of(bytes(digest))),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many values of a column are sealed with which key.

    Attributes:
        by_mark: of the keys of the settings.
        unmarked: sealed before values were marked, or with a key that is not in the settings.
    """

    column: str
    by_mark: dict[bytes, int]
    unmarked: int


@dataclass(frozen=True, slots=True)
class Resealed:
    """What became of a column's values.

    Attributes:
        resealed: sealed with the new key now.
        unreadable: no key of the settings opens them; they stay as they are.
    """

    column: str
    resealed: int
    unreadable: int


def count(engines: dict[Chain, Engine], sealer: Sealer) -> Iterator[Counts]:
    """Tell for each column how many values are sealed with which key. Reads the beginning of every value."""
    for each in SEALED:
        mark = sa.func.substr(each.column, 1, MARK_BYTES, type_=sa.LargeBinary)
        asked = sa.select(mark, sa.func.count()).where(each.column.is_not(None)).where(mark.in_(sealer.marks))
        every = sa.select(sa.func.count(each.column))
        with engines[each.chain].connect() as connection:
            found = {bytes(one): int(number) for one, number in connection.execute(asked.group_by(mark))}
            total = int(connection.scalar(every) or 0)
        yield Counts(each.name, found, total - sum(found.values()))


def reseal(
    engines: dict[Chain, Engine],
    sealer: Sealer,
    told: Progress = lambda _column, _number: None,
    *,
    part: int = PART,
) -> Iterator[Resealed]:
    """Seal every value anew that is not sealed with the first key.

    Args:
        engines: both databases, without the service's statement timeout, by roles that may change the tables.
        sealer: with the new key and all that must still open.
        told: is given a column and how many of its values have been sealed anew so far.
        part: values in one transaction.
    """
    for each in SEALED:
        yield _reseal(engines[each.chain], each, sealer, told, part)


def _reseal(engine: Engine, each: Sealed, sealer: Sealer, told: Progress, part: int) -> Resealed:
    done = unreadable = 0
    last: Sequence[Any] | None = None
    change = (
        sa.update(each.column.table)
        .where(*(key == sa.bindparam(f"key_{key.name}", type_=key.type) for key in each.key))
        # Somebody who changed it meanwhile has sealed it with the new key.
        .where(each.column == sa.bindparam("before", type_=sa.LargeBinary))
        .values({each.column: sa.bindparam("after", type_=sa.LargeBinary)})
    )
    while rows := _next(engine, each, sealer.mark, last, part):
        changes = []
        for row in rows:
            *key, bound, value = tuple(row)
            before, context = bytes(value), each.context(bound)
            try:
                after = sealer.seal(sealer.open(before, context=context), context=context)
            except ValueError:
                unreadable += 1
                continue
            keys = {f"key_{column.name}": one for column, one in zip(each.key, key, strict=True)}
            changes.append({**keys, "before": before, "after": after})
        if changes:
            with writing(engine).begin() as connection:
                connection.execute(change, changes)
        done += len(changes)
        last = rows[-1][: len(each.key)]
        told(each.name, done)
    return Resealed(each.name, done, unreadable)


def _next(engine: Engine, each: Sealed, mark: bytes, last: Sequence[Any] | None, part: int) -> Sequence[Any]:
    """Read the next values that another key has sealed, in the order of the primary key."""
    bound = each.bound_to if each.bound_to is not None else sa.null()
    asked = (
        sa.select(*each.key, bound, each.column)
        .where(each.column.is_not(None))
        .where(sa.func.substr(each.column, 1, MARK_BYTES, type_=sa.LargeBinary) != mark)
        .order_by(*each.key)
        .limit(part)
    )
    if last is not None:
        after = [sa.literal(one, key.type) for one, key in zip(last, each.key, strict=True)]
        asked = asked.where(sa.tuple_(*each.key) > sa.tuple_(*after))
    with engine.connect() as connection:
        return connection.execute(asked).all()
