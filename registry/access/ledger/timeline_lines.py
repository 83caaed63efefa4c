"""What a timeline is written in: JSON Lines, each saying in `line` what it is. Told in docs/access-log.md (part Timeline)."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any, BinaryIO, Literal

import msgspec

from registry.access.ledger.hashing import HASH_BYTES
from registry.access.ledger.leaves import COLUMNS

VERSION = 1
# Nobody's file shall fill the memory of the checker; an event that showed a million people is shorter.
MAX_LINE_BYTES = 32 * 1024 * 1024
Hash = Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{2 * HASH_BYTES}}}$")]
Position = Annotated[int, msgspec.Meta(ge=0)]
Instant = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$")
]
Why = Literal["other-time", "other-organisation"]
# What a leaf holds, in the order in which it is written. Whoever has all of it can compute the leaf's hash.
FIELDS = tuple(sorted((*COLUMNS, "nonce", "people")))


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="line", rename="camel"):
    """One line."""


class Opening(Line, frozen=True, tag="timeline", omit_defaults=True):
    """The first line.

    Attributes:
        log: which log this is; the same in its heads.
        from_, to: the stretch; `to` itself is outside.
        margin_s: heads up to so many seconds before and after the stretch are taken in, for clocks and late commits.
        withheld: names of `FIELDS` that events here are without.
        made_at, made_by: when, and by whom as they said.
        first, last: positions of the entries, `last` itself is outside.
        edge: hashes of the largest complete trees before `first`, the leftmost first, which add up to the root of `before`.
        before: the head that ends where the entries begin, signed; None if they begin with the log.
        not_sealed_yet: events of the stretch that no head covered when this was made. They are not here.
        organisation: only its events are shown; None: everybody's.
    """

    version: int
    log: str
    from_: Instant = msgspec.field(name="from")
    to: Instant
    margin_s: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    withheld: list[str]
    made_at: Instant
    made_by: str
    first: Position
    last: Position
    edge: Annotated[list[Hash], msgspec.Meta(max_length=64)]
    before: str | None
    not_sealed_yet: int
    organisation: str | None = None


class Shown(Line, frozen=True, tag="event", omit_defaults=True):
    """An event that was asked for.

    Attributes:
        hash: of its leaf.
        people: how many people it showed.
        event: what the leaf holds, without what is withheld.
        as_sealed: False: the log held something else than was sealed when the timeline was made.
    """

    position: Position
    hash: Hash
    people: int
    event: dict[str, Any]
    as_sealed: bool = True


class Other(Line, frozen=True, tag="other"):
    """An entry that is not shown, so that the tree stays whole, and why."""

    position: Position
    hash: Hash
    why: Why


class Removed(Line, frozen=True, tag="removed"):
    """An entry whose event was not in the log any more when the timeline was made."""

    position: Position
    hash: Hash
    event_id: int


class Missing(Line, frozen=True, tag="missing"):
    """Entries, `last` itself is outside, that were not in the ledger any more when the timeline was made."""

    first: Position
    last: Position


class HeadLine(Line, frozen=True, tag="head"):
    """A head that stands after the last entry that it covers; as it was signed."""

    head: str


class RefusedLine(Line, frozen=True, tag="refused"):
    """How often somebody was refused something on a day (UTC) that the stretch has a part of; see `refusals.Refused`.

    These are counts that the service keeps and may change. Nothing is proven about them.
    """

    day: str
    kind: str
    organisation: str
    issuer: str
    client_id: str
    count: int


class Closing(Line, frozen=True, tag="end"):
    """The last line.

    Attributes:
        events: how many are shown.
        others: how many entries are not.
        heads: how many heads there are, the one before the first entry not counted.
        damaged: entries that were missing, or whose event was removed or changed.
        refused: lines about who was refused.
    """

    events: int
    others: int
    heads: int
    damaged: int
    refused: int = 0


AnyLine = Opening | Shown | Other | Removed | Missing | HeadLine | RefusedLine | Closing


class WholeLeaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the second file: what was sealed, character by character (JSON); None if the event was removed."""

    position: Position
    leaf: str | None


def read_lines(file: BinaryIO) -> Iterator[tuple[int, AnyLine | None]]:
    """Give each line of a timeline with its number; None for what can't be read, after which there is nothing more."""
    decoder = msgspec.json.Decoder(AnyLine)
    number = 0
    while text := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        line = None
        if len(text) <= MAX_LINE_BYTES:
            with suppress(msgspec.MsgspecError, ValueError, RecursionError):
                line = decoder.decode(text)
        yield number, line
        if line is None:
            return
