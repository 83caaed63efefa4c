"""Why somebody asks: the purposes of `[access.purposes]`, and who may state which."""

from registry.access.caller import Caller
from registry.errors import BadRequestError, ForbiddenError
from registry.settings import Access, Purpose


class PurposeNotAllowedError(ForbiddenError):
    """The purpose exists, but not for this caller, or not for questions about others."""

    slug = "purpose-not-allowed"
    title = "The purpose may not be stated here"


def stateable(settings: Access, caller: Caller | None = None) -> tuple[str, ...]:
    """Return the purposes that questions about others may state, in the order of the settings.

    Args:
        settings: section `[access]`.
        caller: leaves those that this caller may state; None: those that somebody may.
    """
    return tuple(
        name
        for name, purpose in settings.purposes.items()
        if purpose.about == "others" and (caller is None or _may(caller, purpose))
    )


def most_general(settings: Access) -> str:
    """Return the purpose under which an operator's command is written down that states none: the last about others, if any is."""
    return (stateable(settings) or tuple(settings.purposes))[-1]


def check_purpose(purpose: str, settings: Access) -> str:
    """Return `purpose` if there is such a one.

    Raises:
        BadRequestError: names the purposes there are.
    """
    if purpose not in settings.purposes:
        raise BadRequestError(f"State the purpose as one of: {', '.join(stateable(settings))}.")
    return purpose


def check_stated(purpose: str, settings: Access, caller: Caller) -> str:
    """Return `purpose` if this caller may state it for a question about somebody else.

    Raises:
        BadRequestError: there is no such purpose.
        PurposeNotAllowedError: it is not for this caller, or only for one's own record.
    """
    check_purpose(purpose, settings)
    if settings.purposes[purpose].about == "self":
        raise PurposeNotAllowedError(
            "This purpose is for the page with one's own record; it can't be stated for a question about somebody else."
        )
    if not _may(caller, settings.purposes[purpose]):
        allowed = ", ".join(stateable(settings, caller)) or "none"
        raise PurposeNotAllowedError(f"You may not state this purpose. Those that you may state: {allowed}.")
    return purpose


def _may(caller: Caller, purpose: Purpose) -> bool:
    in_role = not purpose.roles or not caller.roles.isdisjoint(purpose.roles)
    return in_role and caller.scopes.issuperset(purpose.scopes)
