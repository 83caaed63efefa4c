"""Guards against a feed that lies: half a file with status 200, a changed format (failure F16)."""

from registry.errors import RegistryError
from registry.settings import Indexer

# Below this many rows a share says nothing.
_FEW = 20


class FeedRejectedError(RegistryError):
    """The feed as received can't be trusted; nothing of the run is kept."""

    slug = "feed-rejected"
    title = "The feed was rejected"


class Guard:
    """Decides with the limits of `[indexer]`."""

    def __init__(self, settings: Indexer) -> None:
        self._settings = settings

    def check_quarantine(self, quarantined: int, read: int, *, final: bool) -> None:
        """Stop a run whose rows are bad beyond `indexer.max_quarantined_share`: its format has changed.

        Raises:
            FeedRejectedError: says how many rows were bad and what to look at.
        """
        if read < _FEW and not (final and read and quarantined == read):
            return
        if quarantined > read * self._settings.max_quarantined_share:
            raise FeedRejectedError(
                f"{quarantined} of {read} rows can't be read, more than indexer.max_quarantined_share allows. "
                "Look at the quarantined rows with `indexer status FEED`: the feed's format may have changed."
            )

    def allows_removal(self, missing: int, total: int, approved: int) -> bool:
        """Tell whether `missing` of `total` standing records may be marked as gone.

        `approved` is a ceiling a person has set for this run: more than that is never removed.
        """
        if missing <= approved:
            return True
        return missing <= max(self._settings.min_removed_withheld, total * self._settings.max_removed_share)
