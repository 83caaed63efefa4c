"""Who is logged in: the caller as a session remembers it."""

from collections.abc import Callable, Mapping

from flask import current_app, g, session

from registry.access.caller import Caller
from registry.access.csrf import begin_csrf
from registry.settings import Secret, Settings

_KEY = "caller"
SELF = "registry:self"
_EXTENSION = "registry.session_caller"


def remember(caller: Caller) -> None:
    """Put `caller` into a new session: the one from before the login ends, its id with it."""
    # The proxy hides that the session is one of ours, with `renew` and `save`.
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    session[_KEY] = {
        "issuer": caller.issuer,
        "subject": caller.subject,
        "client_id": caller.client_id,
        "organisation": caller.organisation,
        "roles": sorted(caller.roles),
        "personal_number": caller.personal_number.reveal() if caller.personal_number else "",
        "name": caller.name,
    }
    begin_csrf()
    session.save()  # type: ignore[attr-defined]


def forget() -> None:
    """End the session."""
    session.clear()
    session.save()  # type: ignore[attr-defined]


def optional_caller() -> Caller | None:
    """Return who has logged in, or None; for pages that everyone may see."""
    if "registry_session_caller" not in g:
        g.registry_session_caller = current_app.extensions[_EXTENSION]()
    caller: Caller | None = g.registry_session_caller
    return caller


def use_sessions_of(settings: Settings) -> tuple[str, Callable[[], Caller | None]]:
    """Return the app extension that reads the caller from the session, by its name.

    The scopes are decided here at each use, so that a change of `access.role_scopes` counts at once.
    """

    def caller() -> Caller | None:
        told = session.get(_KEY)
        # A provider that is no longer the configured one vouches for nobody.
        if not isinstance(told, dict) or told.get("issuer") != settings.login.issuer:
            return None
        roles = frozenset(told["roles"])
        # Whoever the provider vouches for by number may see their own record; it takes no role to be oneself.
        own = {SELF} if told["personal_number"] else frozenset[str]()
        return Caller(
            issuer=told["issuer"],
            subject=told["subject"],
            client_id=told["client_id"],
            organisation=told["organisation"],
            roles=roles,
            scopes=scopes_of(roles, settings.access.role_scopes) | own,
            personal_number=Secret(told["personal_number"]) if told["personal_number"] else None,
            name=told["name"],
        )

    return _EXTENSION, caller


def scopes_of(roles: frozenset[str], role_scopes: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the scopes that roles give (`access.role_scopes`); a role not listed there gives none."""
    return frozenset(scope for role in roles for scope in role_scopes.get(role, ()))
