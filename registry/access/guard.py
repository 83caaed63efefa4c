"""Who may call what: every blueprint says it, an endpoint that says nothing is refused.

How to use it, in the module that makes a blueprint:

    blueprint = Blueprint("practitioners", __name__, url_prefix="/v1/practitioners")
    requires_token(blueprint)                       # or requires_login(blueprint), or public(blueprint, why="...")

    @blueprint.get("/<public_id>")
    @requires_scope("registry:read")                # or @any_caller: a view under a token or login must say one
    @reads_in_bulk                                  # if it reads many people at once: a copied token does not do then
    def read(public_id: str): ...

An endpoint outside any blueprint of ours (`static`, the OpenAPI document) is opened by
`public_endpoint(app, "static", why="...")`. `unprotected_rules(app)` lists what is still undeclared; a test asserts
that it is empty. Scopes are checked before the view and before its body is read, and once more around the view, so
the order of decorators does not matter. Inside a view `current_caller()` tells who asks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import structlog
from flask import Flask, Request, Response, current_app, g, redirect, request
from flask.sansio.blueprints import Blueprint  # what Flask's and flask-smorest's blueprints have in common
from werkzeug.wrappers import Response as AnyResponse

from registry.access.caller import Caller
from registry.access.challenges import (
    BoundTokenNeededError,
    InsufficientScopeError,
    InvalidProofError,
    InvalidTokenError,
    LoginNeededError,
    StrongerLoginNeededError,
)
from registry.access.csrf import check_csrf
from registry.access.dpop import DpopProofs
from registry.access.rates import Rates, Unlimited
from registry.errors import ForbiddenError, UnauthorizedError

log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")
_SCOPES = "registry_scopes"
_BULK = "registry_bulk"
_PUBLIC = "registry.public_endpoints"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Admission:
    """What a blueprint or endpoint declared: how callers are told, and for `public` why none needs to be."""

    kind: Literal["public", "token", "login"]
    why: str = ""


_declared: WeakKeyDictionary[Blueprint, Admission] = WeakKeyDictionary()


def public(blueprint: Blueprint, *, why: str) -> None:
    """Let everyone call every view of `blueprint`; `why` says why that is right."""
    _declared[blueprint] = Admission("public", why)


def requires_token(blueprint: Blueprint) -> None:
    """Let callers with a bearer access token call the views of `blueprint`, each with the scope it states."""
    _declared[blueprint] = Admission("token")


def requires_login(blueprint: Blueprint) -> None:
    """Let people who have logged in use the pages of `blueprint`; forms must carry `csrf_token()`."""
    _declared[blueprint] = Admission("login")


def public_endpoint(app: Flask, endpoint: str, *, why: str) -> None:
    """Let everyone call one endpoint that no blueprint of ours owns (`static`, an OpenAPI document)."""
    app.extensions.setdefault(_PUBLIC, {})[endpoint] = Admission("public", why)


def requires_scope(*scopes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only callers with all of `scopes` call a view."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            _check_scopes(current_caller(), scopes)
            return view(*args, **kwargs)

        setattr(guarded, _SCOPES, (*getattr(view, _SCOPES, ()), *scopes))
        return guarded

    return decorate


def any_caller(view: Callable[P, R]) -> Callable[P, R]:
    """Let every caller whom the blueprint admits call a view, whatever their scopes."""
    return requires_scope()(view)


def reads_in_bulk(view: Callable[P, R]) -> Callable[P, R]:
    """Say of a view that it reads many people at once, so that it takes a token bound to its client's key (`tokens.bound_bulk`)."""
    setattr(view, _BULK, True)
    return view


def current_caller() -> Caller:
    """Return who asks.

    Raises:
        UnauthorizedError: nobody was asked to tell, which is so in public views only.
    """
    caller = g.get("registry_caller")
    if not isinstance(caller, Caller):
        raise UnauthorizedError
    return caller


class Guard:
    """Stands before every view of an app.

    Args:
        by_token: returns the caller for a request's access token, or raises UnauthorizedError.
        by_session: returns the caller who is logged in, or None.
        login_url: returns where to log in and come back to the path given; "" when no login is configured.
        bound_bulk: whether views that read in bulk take only tokens that are bound to a key.
        proofs: what DPoP asks for: accepted algorithms, and the nonce that answers tell.
        rates: counts the requests of callers, and credentials that do not hold.
    """

    def __init__(
        self,
        by_token: Callable[[Request], Caller],
        by_session: Callable[[], Caller | None],
        login_url: Callable[[str], str],
        *,
        bound_bulk: bool,
        proofs: DpopProofs,
        rates: Rates | None = None,
    ) -> None:
        self._by_token = by_token
        self._by_session = by_session
        self._login_url = login_url
        self._bound_bulk = bound_bulk
        self._proofs = proofs
        self._rates: Rates = rates or Unlimited()

    def install(self, app: Flask) -> None:
        """Put the guard before every view of `app`."""
        app.before_request(self._before)
        app.after_request(_forbid_storing)
        app.after_request(self._tell_nonce)

    def _before(self) -> AnyResponse | None:
        if request.routing_exception is not None or request.endpoint is None:
            return None  # no such address or method: answered as such, nothing is called
        admission = _admission(current_app, request.endpoint)
        scopes = stated_scopes(current_app, request.endpoint, request.method)
        silent = scopes is None and request.method != "OPTIONS"
        if admission is None or (admission.kind != "public" and silent):
            log.error("undeclared_endpoint_refused", endpoint=request.endpoint)
            raise ForbiddenError("This address does not say who may use it, so nobody may.")
        if admission.kind == "public":
            return None
        g.registry_private = True
        if admission.kind == "token":
            g.registry_dpop = "DPoP" in request.headers
            g.registry_caller = self._token_caller()
        else:
            caller = self._by_session()
            if caller is None:
                return self._to_login()
            g.registry_caller = caller
        # Counted before anything else can refuse the request: what is refused is work, too.
        self._rates.admitted(current_caller())
        if admission.kind == "login" and request.method not in _SAFE_METHODS:
            check_csrf()
        self._check(current_caller(), admission, scopes or ())
        return None

    def _token_caller(self) -> Caller:
        try:
            return self._by_token(request)
        except InvalidTokenError as error:
            # Only for a nonce that nobody can know before the first answer is a client sent away without a fault of its own.
            if not (isinstance(error, InvalidProofError) and error.code == "use_dpop_nonce"):
                self._rates.refused()
            raise

    def _check(self, caller: Caller, admission: Admission, scopes: tuple[str, ...]) -> None:
        if admission.kind == "token":
            missing = {scope for scope in scopes if not caller.may(scope)}
            if missing and missing <= caller.withheld:
                raise BoundTokenNeededError(" ".join(scopes), algorithms=self._proofs.algorithms)
        if admission.kind == "login":
            weak = [scope for scope in scopes if scope in caller.withheld]
            if weak:
                g.registry_login_for = weak[0]
                raise StrongerLoginNeededError(weak[0])
        _check_scopes(caller, scopes)
        bulk = admission.kind == "token" and self._bound_bulk and not caller.confirmed_key
        if bulk and request.endpoint and _is_bulk(current_app, request.endpoint, request.method):
            raise BoundTokenNeededError(" ".join(scopes), algorithms=self._proofs.algorithms)

    def _tell_nonce(self, response: Response) -> Response:
        """Tell the next nonce to who sent a DPoP proof (RFC 9449 section 8.2)."""
        if g.get("registry_dpop") and (nonce := self._proofs.nonce()):
            response.headers["DPoP-Nonce"] = nonce
        return response

    def _to_login(self) -> AnyResponse:
        """Send a reader to the login and back here; a form can't be sent again, so its sender is told."""
        url = self._login_url(request.full_path.removesuffix("?"))
        if request.method not in {"GET", "HEAD"} or not url:
            raise LoginNeededError
        return redirect(url)


def _check_scopes(caller: Caller, scopes: tuple[str, ...]) -> None:
    if not all(caller.may(scope) for scope in scopes):
        raise InsufficientScopeError(" ".join(scopes))


def _forbid_storing(response: Response) -> Response:
    """Keep answers to a known caller out of every cache, unless the view decided otherwise."""
    if g.get("registry_private"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _admission(app: Flask, endpoint: str) -> Admission | None:
    opened: dict[str, Admission] = app.extensions.get(_PUBLIC, {})
    if endpoint in opened:
        return opened[endpoint]
    # `outer.inner.view` belongs to blueprint `outer.inner`, inside `outer`; the innermost declaration counts.
    name = endpoint
    while "." in name:
        name = name.rpartition(".")[0]
        blueprint = app.blueprints.get(name)
        if blueprint is not None and blueprint in _declared:
            return _declared[blueprint]
    return None


def stated_scopes(app: Flask, endpoint: str, method: str) -> tuple[str, ...] | None:
    """Return the scopes a view needs, None if it states nothing."""
    known = [scopes for scopes in _stated(app, endpoint, method, _SCOPES) if scopes is not None]
    return tuple(scope for scopes in known for scope in scopes) if known else None


def _is_bulk(app: Flask, endpoint: str, method: str) -> bool:
    return any(_stated(app, endpoint, method, _BULK))


def _stated(app: Flask, endpoint: str, method: str, name: str) -> list[Any]:
    """Return what decorators noted under `name` on a view, and on its method if it is a class; None where nothing."""
    view: Any = app.view_functions[endpoint]
    stated = [getattr(view, name, None)]
    if (view_class := getattr(view, "view_class", None)) is not None:
        handler = getattr(view_class, method.lower(), None)
        if handler is None and method == "HEAD":
            handler = getattr(view_class, "get", None)
        stated.append(getattr(handler, name, None))
    return stated


def unprotected_rules(app: Flask) -> list[str]:
    """Return every rule (`METHOD /path → endpoint`) that does not say who may call it; meant to be empty."""
    return [f"{method} {rule} → {endpoint}" for method, rule, endpoint in _unprotected(app)]


def _unprotected(app: Flask) -> Iterator[tuple[str, str, str]]:
    for rule in app.url_map.iter_rules():
        admission = _admission(app, rule.endpoint)
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            silent = admission is not None and admission.kind != "public"
            if admission is None or (silent and stated_scopes(app, rule.endpoint, method) is None):
                yield method, rule.rule, rule.endpoint


def admissions(app: Flask) -> dict[str, Admission | None]:
    """Return what each endpoint of `app` declared, for tests and for the list of public endpoints in the docs."""
    return {rule.endpoint: _admission(app, rule.endpoint) for rule in app.url_map.iter_rules()}
