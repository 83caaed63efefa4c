"""An issuer that does whatever the test wants, over HTTP: its own keys of any kind, any header, opaque tokens, outages."""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from registry.access.keys import Key
from tests.registry.access.bound import signed
from tests.registry.access.harness import AUDIENCE, Environ, Switch, running

CLIENT, SECRET = "registry", "throw-away"
_MADE: dict[str, Callable[[], Key]] = {
    "RS": lambda: RSAKey.generate_key(2048),
    "PS": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES384": lambda: ECKey.generate_key("P-384"),
    "Ed": lambda: OKPKey.generate_key("Ed25519"),
}


@dataclass
class OwnIssuer:
    """The issuer. `keys` are published by their ids until they are taken out; `opaque` are the tokens it knows."""

    issuer: str
    switch: Switch
    keys: dict[str, tuple[Key, str]] = field(default_factory=dict)
    opaque: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock: Callable[[], float] = time.time

    def add(self, kid: str, algorithm: str = "ES256", key: Key | None = None) -> None:
        """Publish a key."""
        make = next(make for name, make in _MADE.items() if algorithm.startswith(name))
        self.keys[kid] = (key or make(), algorithm)

    def claims(self, **changes: object) -> dict[str, Any]:
        """Return the claims of a good token, changed; a value of None takes a claim away."""
        now = int(self.clock())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "system-2",
            "client_id": "system-2",
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + 300,
            "scope": "registry:verify",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, kid: str = "one", header: Mapping[str, object] | None = None, **changes: object) -> str:
        """Return a token signed with a key; header and claims changed likewise."""
        key, algorithm = self.keys[kid]
        return self.signed(key, {"alg": algorithm, "kid": kid, "typ": "at+jwt", **(header or {})}, **changes)

    def signed(self, key: Key | OctKey, header: Mapping[str, object], **changes: object) -> str:
        """Return a token of any make."""
        known = {name: value for name, value in header.items() if value is not None}
        return signed(known, self.claims(**changes), key)

    def hand_out(self, **changes: object) -> str:
        """Return a token that only the issuer can read."""
        token = secrets.token_urlsafe(24)
        self.opaque[token] = {"active": True, "token_type": "Bearer", **self.claims(**changes)}
        return token

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, body = self._answer(environ)
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]

    def _answer(self, environ: Environ) -> tuple[str, object]:
        match environ["PATH_INFO"]:
            case "/.well-known/openid-configuration":
                told = {"jwks_uri": "keys", "introspection_endpoint": "introspect"}
                return "200 OK", {"issuer": self.issuer} | {
                    name: f"{self.issuer}/{path}" for name, path in told.items()
                }
            case "/keys":
                return "200 OK", {
                    "keys": [key.as_dict(private=False, kid=kid) for kid, (key, _) in list(self.keys.items())]
                }
            case "/introspect":
                return self._introspected(environ)
        return "404 Not Found", {}

    def _introspected(self, environ: Environ) -> tuple[str, object]:
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if environ.get("HTTP_AUTHORIZATION") != f"Basic {expected}":
            return "401 Unauthorized", {"error": "invalid_client"}
        form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        return "200 OK", self.opaque.get(form["token"][0], {"active": False})


@contextmanager
def running_issuer() -> Iterator[OwnIssuer]:
    """Start one with a key "one" of ES256."""
    switch = Switch()
    with running(switch) as url:
        issuer = OwnIssuer(url, switch)
        issuer.add("one")
        switch.app = issuer
        yield issuer


def table(name: str, issuer: str, **more: object) -> str:
    """Return a table `[providers.<name>]` that trusts an issuer's tokens."""
    lines = {"issuer": issuer, "tokens": True, **more}
    return f"[providers.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
