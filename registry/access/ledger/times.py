"""Whether the times of events fit the order in which they were sealed."""

from datetime import UTC, datetime, timedelta

from registry.access.ledger.leaves import instant


class Times:
    """Follows the times of the entries in their order.

    Ids are given as events are written, and entries stand in the order of ids but for late commits. So no event can be much
    older than one that stands before it, and none much younger than the head that it was sealed under. The head before
    can't be asked instead: after a pause there are several at once, over events of hours.
    """

    def __init__(self, tolerance: timedelta) -> None:
        self._tolerance = tolerance
        self._earliest = ""
        self._latest = ""
        self._newest = ""

    def under(self, sealed_at: str) -> None:
        """Begin with the entries of a head that was sealed then."""
        self._latest = _moved(sealed_at, self._tolerance)

    def told(self, at: str, *, is_first: bool) -> str:
        """Return what is wrong with the time of the next entry, "" if nothing is; earlier is right under the first head."""
        if at > self._latest:
            return "it was sealed before that"
        told = ""
        if at < self._earliest:
            told = "" if is_first else "events before it are younger: it was put in with an earlier time"
        if at > self._newest:
            self._newest, self._earliest = at, _moved(at, -self._tolerance)
        return told


def _moved(at: str, by: timedelta) -> str:
    """Return a time moved, as text that compares as times do; itself if it is none or there is none so far."""
    try:
        return str(instant(datetime.fromisoformat(at).astimezone(UTC) + by))
    except (ValueError, OverflowError):
        return at
