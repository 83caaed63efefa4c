"""What happens when a service is not there: one loud line, never a silent gap.

A service that is *missing* can be left out (a skip, or a failure under `REGISTRY_REQUIRE_SERVICES=1`).
A service that is there but does not start is always an error: leaving it out would hide a fault.
"""

import os

_REQUIRE = "REGISTRY_REQUIRE_SERVICES"
_OFF = frozenset({"", "0", "false", "no"})


class ServiceMissingError(Exception):
    """A service cannot be started because something it needs is not installed.

    `service` is its name for a reader, `reason` what is not there, `remedy` how to get it.
    """

    def __init__(self, service: str, *, reason: str, remedy: str) -> None:
        self.service = service
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{service} is missing: {reason}. To get it: {remedy}")

    def loud_line(self, left_out: str) -> str:
        """Return the one line that says what is left out (a phrase such as `12 tests`) and how to get it."""
        return (
            f"SERVICE MISSING: {self.service}: {left_out} left out, {self.reason}. To get it: {self.remedy}"
        )


class ServiceStartError(Exception):
    """A service is installed but did not come up; the message ends with the last lines of its log."""


def services_required() -> bool:
    """Tell whether a missing service is a failure (`REGISTRY_REQUIRE_SERVICES=1`, as CI sets it)."""
    return os.environ.get(_REQUIRE, "").strip().lower() not in _OFF
