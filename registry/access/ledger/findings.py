"""What a verification tells."""

from typing import Literal

import msgspec

# Further ones are counted, not told: whoever has changed a million events needs no list of them.
TOLD = 100
Kind = Literal[
    "event-changed",
    "event-removed",
    "event-added",
    "event-backdated",
    "entry-missing",
    "entry-surplus",
    "root",
    "head-missing",
    "head-changed",
    "signature",
    "kept-elsewhere",
    "overdue",
    # Of timelines only.
    "timeline",
    "left-out",
    "open",
]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One thing that is not as it was sealed.

    Attributes:
        event_id: of which event, where one can be named.
        position: of which entry of the ledger (0 is the first), where one can be named.
        head: number of the head that this was found under.
    """

    kind: Kind
    detail: str
    event_id: int | None = None
    position: int | None = None
    head: int | None = None


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """What was found in the whole log.

    Attributes:
        holds: nothing was removed or changed since it was sealed, and nothing waits too long to be sealed.
        events: how many are sealed.
        heads: how many there are.
        not_sealed_yet: events that no head covers yet; nothing is proven about them.
        not_sealed_since: when the oldest of these was written.
        found: how many findings there are; the first are in `findings`.
        last: the last head as it is exported; None without.
        compared: how many heads that were kept elsewhere were found in the log as they were.
    """

    holds: bool
    events: int
    heads: int
    not_sealed_yet: int
    not_sealed_since: str | None
    found: int
    findings: list[Finding]
    last: dict[str, str | int] | None
    compared: int


class TimelineReport(msgspec.Struct, frozen=True, rename="camel"):
    """What was found in a timeline.

    Attributes:
        holds: every event is as it was sealed, none is left out, and the stretch had ended when the last head was sealed.
        from_, to, organisation, made_at, made_by: as the file says; nobody has signed these.
        events: how many are shown.
        proven: of how many of these everything that the file says was compared with what was sealed. Of the others it is proven
            that they are there, not what they say.
        others: entries that are not shown; `others_proven`: of how many of them the reason was compared, too.
        refused: lines about who was refused; nothing is proven about them.
        heads: how many are in the file.
        sealed_until: when the last one was sealed.
        not_sealed_yet: events of the stretch that no head covered when it was made, as the file says.
        compared: how many heads that were kept elsewhere are in the file as they were.
    """

    holds: bool
    from_: str = msgspec.field(name="from")
    to: str
    organisation: str | None
    made_at: str
    made_by: str
    events: int
    proven: int
    others: int
    others_proven: int
    refused: int
    heads: int
    sealed_until: str
    not_sealed_yet: int
    compared: int
    found: int
    findings: list[Finding]


class Findings:
    """Collects findings."""

    def __init__(self) -> None:
        self.count = 0
        self.told: list[Finding] = []

    def add(
        self,
        kind: Kind,
        detail: str,
        *,
        event_id: int | None = None,
        position: int | None = None,
        head: int | None = None,
    ) -> None:
        """Note one; see `Finding`."""
        self.count += 1
        if len(self.told) < TOLD:
            self.told.append(Finding(kind, detail, event_id, position, head))
