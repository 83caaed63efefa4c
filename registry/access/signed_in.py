"""Who is logged in: the caller as a session remembers it."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app, g, request, session

from registry.access.browsers import browser_of
from registry.access.caller import Caller
from registry.access.csrf import begin_csrf
from registry.access.providers import Providers, Trusted
from registry.access.session_store import Login
from registry.settings import Secret, Settings
from registry.settings_access import given_roles, speaks_for

_KEY = "caller"
# Where a session keeps the kind of browser that it was begun in.
BROWSER = "browser"
SELF = "registry:self"
_EXTENSION = "registry.session_caller"


def remember(caller: Caller) -> None:
    """Put `caller` into a new session: the one from before the login ends, its id with it."""
    # The proxy hides that the session is one of ours, with `renew` and `save`.
    session.clear()
    session.renew(Login(caller.issuer, caller.subject, caller.sid))  # type: ignore[attr-defined]
    session[_KEY] = {
        "issuer": caller.issuer,
        "subject": caller.subject,
        "client_id": caller.client_id,
        "organisation": caller.organisation,
        "roles": sorted(caller.roles),
        "personal_number": caller.personal_number.reveal() if caller.personal_number else "",
        "name": caller.name,
        "hsa_id": caller.hsa_id,
        "acr": caller.acr,
    }
    session[BROWSER] = browser_of(request.user_agent.string)
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


def use_sessions_of(settings: Settings, providers: Providers) -> tuple[str, Callable[[], Caller | None]]:
    """Return the app extension that reads the caller from the session, by its name.

    Roles and scopes are decided here at each use, so that a change of settings counts at once: of `access.role_scopes`, of
    what a provider may say, and of how surely it must know somebody.
    """

    def caller() -> Caller | None:
        told = session.get(_KEY)
        if not isinstance(told, dict):
            return None
        trusted = providers.of_issuer(told.get("issuer"))
        # A provider that people may no longer log in at vouches for nobody.
        if trusted is None or not trusted.settings.login:
            return None
        return _caller(told, trusted, settings)

    return _EXTENSION, caller


def _caller(told: Mapping[str, Any], trusted: Trusted, settings: Settings) -> Caller | None:
    provider = trusted.settings
    if not speaks_for(provider, told["organisation"]):
        return None
    roles = given_roles(provider, told["roles"], trusted.sensitive)
    # Whoever the provider vouches for by number may see their own record; it takes no role to be oneself.
    own = {SELF} if told["personal_number"] else frozenset[str]()
    scopes = scopes_of(roles, settings.access.role_scopes) | own
    if provider.organisations and not told["organisation"]:
        # It may speak for some organisations only: who acts for none of them acts for themselves.
        scopes &= {SELF}
    acr = told.get("acr", "")
    demanded = settings.access.scope_acr
    withheld = frozenset(scope for scope in scopes if acr not in demanded.get(scope, (acr,)))
    return Caller(
        issuer=told["issuer"],
        subject=told["subject"],
        client_id=told["client_id"],
        organisation=told["organisation"],
        roles=roles,
        scopes=scopes - withheld,
        personal_number=Secret(told["personal_number"]) if told["personal_number"] else None,
        name=told["name"],
        hsa_id=told.get("hsa_id", ""),
        acr=acr,
        withheld=withheld,
    )


def scopes_of(roles: frozenset[str], role_scopes: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the scopes that roles give (`access.role_scopes`); a role not listed there gives none."""
    return frozenset(scope for role in roles for scope in role_scopes.get(role, ()))
