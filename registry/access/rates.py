"""What the guard and the logins ask before they go on: whether somebody asks too often. How it is counted, the rooms above know."""

from typing import Protocol

from registry.access.caller import Caller
from registry.errors import RegistryError


class TooManyRequestsError(RegistryError):
    """A caller, an organisation or an address has sent more requests than it may for now.

    Attributes:
        retry_after_s: seconds until it may again.
    """

    slug = "too-many-requests"
    status = 429
    title = "Too many requests"

    def __init__(self, rate: str, *, limit: int, retry_after_s: int) -> None:
        super().__init__(
            f"The rate {rate} allows {limit}. Wait {retry_after_s} seconds.",
            rate=rate,
            limit=limit,
            retryAfter=retry_after_s,
        )
        self.retry_after_s = retry_after_s


class Rates(Protocol):
    """Counts requests. Each method raises TooManyRequestsError when there were too many."""

    def admitted(self, caller: Caller) -> None:
        """Count a request of somebody who is known, whatever becomes of it."""

    def refused(self) -> None:
        """Count a credential that does not hold, by the address it came from."""

    def before_login(self) -> None:
        """Ask, before work is done for an address without a credential, whether it sent too many that do not hold."""


class Unlimited:
    """Counts nothing."""

    def admitted(self, caller: Caller) -> None:
        """Let everyone go on."""

    def refused(self) -> None:
        """Count nothing."""

    def before_login(self) -> None:
        """Let everyone go on."""
