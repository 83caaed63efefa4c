"""Everything of this room put into an app, in one call.

How an app is made (registry/web):

    app = Flask(...)
    access = install_access(app, settings, engine=access_engine, sealer=sealer)
    app.register_blueprint(...)                            # each declared as registry.access.guard tells
    public_endpoint(app, "static", why="styles and images")
    app.register_error_handler(RegistryError, ...)         # adds www_authenticate(error) to API answers

In views: `current_caller()` (guard), `optional_caller()` (signed_in), `record_access(...)` (log). In templates:
`csrf_token()` and `optional_caller()`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from sqlalchemy.engine import Engine

from registry.access.client_certificate import ClientCertificates
from registry.access.credentials import caller_by_token
from registry.access.csrf import csrf_token
from registry.access.flows import Flows
from registry.access.guard import Guard
from registry.access.login import LOGIN, LoginViews
from registry.access.proof_store import ProofStore
from registry.access.providers import Providers
from registry.access.rates import Rates, Unlimited
from registry.access.relying_party import RelyingParty
from registry.access.session_store import SessionStore
from registry.access.sessions import DatabaseSessions, needs_secure_cookies
from registry.access.signed_in import optional_caller, use_sessions_of
from registry.access.tokens import AccessTokens
from registry.sealing import Sealer
from registry.settings import Settings


@dataclass(frozen=True, slots=True)
class AccessParts:
    """What `install_access` made, for those who need a part of it."""

    tokens: AccessTokens
    sessions: SessionStore
    login: LoginViews


def install_access(
    app: Flask,
    settings: Settings,
    *,
    engine: Engine,
    sealer: Sealer,
    rates: Rates | None = None,
    clock: Callable[[], float] = time.time,
) -> AccessParts:
    """Give `app` sessions, login, bearer tokens and the guard that refuses what nobody declared.

    Args:
        app: an app without views yet, or with: the guard stands before all of them.
        settings: all settings.
        engine: database of access events and sessions (`settings.access_database_url`).
        sealer: seals sessions and started logins.
        rates: counts requests; None counts nothing.
        clock: seconds since 1970.

    Raises:
        SettingsError: a provider for logins is named, but no way to prove who we are there.
    """
    store = SessionStore(engine, sealer, settings.login, clock)
    app.session_interface = DatabaseSessions(store, settings.service)
    providers = Providers(settings)
    name, by_session = use_sessions_of(settings, providers)
    app.extensions[name] = by_session
    parties = {
        trusted.name: RelyingParty(trusted, settings, digest=sealer.digest, clock=clock)
        for trusted in providers.for_login()
    }
    flows = Flows(sealer, settings.login, secure=needs_secure_cookies(settings.service), clock=clock)
    rates = rates or Unlimited()
    login = LoginViews(settings, parties, flows, store, rates)
    app.extensions[LOGIN] = login
    tokens = AccessTokens.from_settings(
        settings,
        digest=sealer.digest,
        providers=providers,
        use_once=ProofStore(engine, clock).use_once,
        clock=clock,
    )
    Guard(
        caller_by_token(tokens, ClientCertificates(settings.tokens)),
        optional_caller,
        login.login_url,
        bound_bulk=settings.tokens.bound_bulk,
        proofs=tokens.proofs,
        rates=rates,
    ).install(app)
    app.register_blueprint(login.blueprint())
    app.jinja_env.globals.update(csrf_token=csrf_token, optional_caller=optional_caller)
    return AccessParts(tokens, store, login)
