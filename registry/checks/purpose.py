"""The purpose that is logged when somebody handles a list: its own, or where that may no longer be stated another."""

from registry.access.caller import Caller
from registry.access.purposes import PurposeNotAllowedError, stateable
from registry.checks.desk import Desk


def purpose_for(desk: Desk, caller: Caller, wanted: str) -> str:
    """Return `wanted` if this caller may state it, else the last and most general one that the caller may.

    Settings change, and a colleague with other rights may read a list: its results stay readable.

    Raises:
        PurposeNotAllowedError: there is none that the caller may state.
    """
    may = stateable(desk.settings.access, caller)
    if not may:
        raise PurposeNotAllowedError("There is no purpose that you may state.")
    return wanted if wanted in may else may[-1]
