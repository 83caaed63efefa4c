"""Guards against a feed that lies: half a file with status 200, a changed format, a column that moved (failure F16).

Over a limit the run is *held*: it is done again so that new people and bad news apply, while removals and everything
that could turn a no into a yes wait for a person. Far over it, the feed is rejected and nothing of the run is kept.
"""

from dataclasses import dataclass

from indexer.feeds.descriptor import Limits
from registry.errors import RegistryError
from registry.settings import Indexer

# Below this many rows a share of bad ones says nothing.
_FEW = 20


class FeedRejectedError(RegistryError):
    """The feed as received can't be trusted; nothing of the run is kept."""

    slug = "feed-rejected"
    title = "The feed was rejected"


class HoldError(Exception):
    """A limit is passed: the run must be done again as a held one. Never leaves the indexer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Guard:
    """The limits of one run.

    Attributes:
        standing: records of the feed that stand before the run.
        held: the run is a held one already: limits no longer stop it.
    """

    settings: Indexer
    limits: Limits
    standing: int
    held: bool = False

    def check_quarantine(self, quarantined: int, read: int, *, final: bool) -> None:
        """Judge how many rows can't be read.

        Raises:
            FeedRejectedError: more than `indexer.rejected_share`: the format has changed.
            HoldError: at the end, more than the feed's limit.
        """
        if (
            read >= _FEW or (final and quarantined == read)
        ) and quarantined > read * self.settings.rejected_share:
            raise FeedRejectedError(
                f"{quarantined} of {read} rows can't be read, more than indexer.rejected_share allows. "
                "Look at the quarantined rows with `indexer status FEED`: the feed's format may have changed."
            )
        share = _or(self.limits.quarantined_share, self.settings.max_quarantined_share)
        if final and not self.held and quarantined > self._most(share, read):
            raise HoldError(f"{quarantined} of {read} rows can't be read (limit {share:.1%})")

    def check_changed(self, changed: int) -> None:
        """Judge how many standing records say something else.

        Raises:
            HoldError: more than the feed's limit.
        """
        share = _or(self.limits.changed_share, self.settings.max_changed_share)
        if not self.held and changed > self._most(share, self.standing):
            raise HoldError(
                f"more than {int(self._most(share, self.standing))} of {self.standing} records changed (limit {share:.0%})"
            )

    def check_vanished(self, vanished: int) -> None:
        """Judge how many standing records the feed no longer holds.

        Raises:
            HoldError: more than the feed's limit.
        """
        share = _or(self.limits.vanished_share, self.settings.max_vanished_share)
        if not self.held and vanished > self._most(share, self.standing):
            raise HoldError(f"{vanished} of {self.standing} records are absent (limit {share:.1%})")

    def _most(self, share: float, total: int) -> float:
        return max(_or(self.limits.floor, self.settings.held_floor), total * share)


def _or(own: float, general: float) -> float:
    return general if own < 0 else own
