"""Started logins: what must be remembered between leaving for the identity provider and coming back.

Each started login is one small sealed cookie of its own, so that logins in several tabs do not disturb each other, the
answer is taken only from the browser that asked (OWASP ASVS 5.0 item 10.1.2), and a visitor who never finishes costs no
row. The cookies have fixed names, one a place: however many logins are begun at once, a browser never holds more of them than
`login.max_flows`, so that its requests stay within the bounds that servers set to headers.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Callable, Iterator, Mapping

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
        provider: name of the provider at which it began: no other's answer ends it (RFC 9700 section 4.4).
        expires_at: seconds since 1970.
    """

    state: str
    nonce: str
    verifier: str
    next: str
    provider: str
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
        self._places = [
            cookie_name(f"{_PREFIX}{place}", secure=secure) for place in range(settings.max_flows)
        ]

    def start(self, path: str, provider: str) -> Flow:
        """Return a new flow at a provider that leads to `path`."""
        state, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(3))
        return Flow(state, nonce, verifier, path, provider, self._clock() + self._settings.flow_timeout_s)

    def keep(self, flow: Flow, cookies: Mapping[str, str], response: Response) -> None:
        """Give the flow to the browser, in a free place; where there is none, the oldest gives way.

        Which of the free ones is chance: tabs that begin at the same moment do not know of each other.
        """
        held = {name: one.expires_at for name, one in self._held(cookies)}
        free = [name for name in self._places if name not in held]
        name = secrets.choice(free) if free else min(held, key=lambda each: held[each])
        sealed = self._sealer.seal(msgspec.json.encode(flow), context=_CONTEXT)
        response.set_cookie(
            name,
            base64.urlsafe_b64encode(sealed).decode().rstrip("="),
            max_age=self._settings.flow_timeout_s,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )

    def find(self, state: str, cookies: Mapping[str, str]) -> Flow | None:
        """Return the flow of this browser that `state` belongs to, None if there is none or it took too long."""
        return next((flow for _, flow in self._held(cookies) if _same(flow.state, state)), None)

    def forget(self, state: str, cookies: Mapping[str, str], response: Response) -> None:
        """Take a flow back: it is used once, however it ends."""
        for name, flow in self._held(cookies):
            if _same(flow.state, state):
                response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="Lax")

    def _held(self, cookies: Mapping[str, str]) -> Iterator[tuple[str, Flow]]:
        """Yield the flows that a browser has begun and may still finish, each with its place."""
        for name in self._places:
            flow = self._open(cookies.get(name, ""))
            if flow is not None:
                yield name, flow

    def _open(self, value: str) -> Flow | None:
        if not _B64.match(value):
            return None
        try:
            sealed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
            flow = msgspec.json.decode(self._sealer.open(sealed, context=_CONTEXT), type=Flow)
        except (ValueError, msgspec.DecodeError):
            return None
        return flow if flow.expires_at > self._clock() else None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
