"""Started logins: what must be remembered between leaving for the identity provider and coming back.

Each started login is one small sealed cookie of its own, so that logins in several tabs do not disturb each other, the
answer is taken only from the browser that asked (OWASP ASVS 5.0 item 10.1.2), and a visitor who never finishes costs no
row. The name of the cookie is a digest of the flow's `state`.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping

import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Response

from registry.access.sessions import cookie_name
from registry.sealing import Sealer
from registry.settings import Login
from registry.struct_types import ready

# 256 random bits each: state (RFC 6749 section 10.12), nonce (OpenID Connect), code verifier (RFC 7636).
_BYTES = 32
_PREFIX = "registry-login-"
_CONTEXT = b"login-flow"
_B64 = re.compile(r"[A-Za-z0-9_-]+\Z")


@ready
class Flow(msgspec.Struct, frozen=True):
    """One started login.

    Attributes:
        state, nonce, verifier: the secrets that tie answer, ID token and code to this start.
        next: path to go to afterwards, already checked.
        expires_at: seconds since 1970.
    """

    state: str
    nonce: str
    verifier: str
    next: str
    expires_at: float

    @property
    def challenge(self) -> str:
        """The S256 code challenge of the verifier."""
        return str(create_s256_code_challenge(self.verifier))  # type: ignore[no-untyped-call]


class Flows:
    """Makes, keeps and finds started logins.

    Args:
        sealer: seals the cookies.
        settings: section `[login]`: how long a login may take, and how many one browser may have begun.
        secure: whether cookies are sent over TLS only.
        clock: seconds since 1970.
    """

    def __init__(self, sealer: Sealer, settings: Login, *, secure: bool, clock: Callable[[], float]) -> None:
        self._sealer = sealer
        self._settings = settings
        self._secure = secure
        self._clock = clock
        self._prefix = cookie_name(_PREFIX, secure=secure)

    def start(self, path: str) -> Flow:
        """Return a new flow that leads to `path`."""
        state, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(3))
        return Flow(state, nonce, verifier, path, self._clock() + self._settings.flow_timeout_s)

    def keep(self, flow: Flow, cookies: Mapping[str, str], response: Response) -> None:
        """Give the flow to the browser; of those it holds already, the oldest give way."""
        ends = {}
        for name, value in cookies.items():
            if name.startswith(self._prefix):
                held = self._open(value)
                ends[name] = held.expires_at if held else 0.0
        surplus = len(ends) - self._settings.max_flows + 1
        for name in sorted(ends, key=lambda name: ends[name])[: max(surplus, 0)]:
            self._drop(name, response)
        sealed = self._sealer.seal(msgspec.json.encode(flow), context=_CONTEXT)
        response.set_cookie(
            self._name(flow.state),
            base64.urlsafe_b64encode(sealed).decode().rstrip("="),
            max_age=self._settings.flow_timeout_s,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )

    def find(self, state: str, cookies: Mapping[str, str]) -> Flow | None:
        """Return the flow of this browser that `state` belongs to, None if there is none or it took too long."""
        flow = self._open(cookies.get(self._name(state), ""))
        return flow if flow is not None and hmac.compare_digest(flow.state.encode(), state.encode()) else None

    def forget(self, state: str, response: Response) -> None:
        """Take a flow back: it is used once, however it ends."""
        self._drop(self._name(state), response)

    def _drop(self, name: str, response: Response) -> None:
        response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="Lax")

    def _name(self, state: str) -> str:
        return f"{self._prefix}{hashlib.sha256(state.encode()).hexdigest()[:16]}"

    def _open(self, value: str) -> Flow | None:
        if not _B64.match(value):
            return None
        try:
            sealed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
            flow = msgspec.json.decode(self._sealer.open(sealed, context=_CONTEXT), type=Flow)
        except (ValueError, msgspec.DecodeError):
            return None
        return flow if flow.expires_at > self._clock() else None
