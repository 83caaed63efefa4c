"""Clients with keys of their own: DPoP proofs, good ones and bad ones, and an app whose scopes ask for bound tokens."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Blueprint
from joserfc import jws
from joserfc.jwk import ECKey

from registry.access.guard import any_caller, current_caller, reads_in_bulk, requires_scope, requires_token
from registry.access.keys import Key
from registry.sealing import new_key
from registry.settings import Settings, load_settings
from tests.registry.access.harness import App, make_app

BASE = "https://registry.example"


def part(value: bytes) -> str:
    """Return base64url as tokens have it."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, key: Any) -> str:  # noqa: ANN401 - any kind of key
    """Sign by any algorithm and with any header, also those that nobody should."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    registry = jws.JWSRegistry(algorithms=[str(header["alg"])], strict_check_header=False)
    registry.get_alg = lambda name: registry.algorithms[name]  # type: ignore[method-assign]
    registry.check_header = lambda header: None  # type: ignore[method-assign]  # noqa: ARG005 - the name is joserfc's
    return str(jws.serialize_compact(dict(header), payload, key, registry=registry))


class DpopKey:
    """A client's key, and the proofs it makes."""

    def __init__(self, key: Key | None = None, algorithm: str = "ES256") -> None:
        self.key = key or ECKey.generate_key("P-256")
        self.algorithm = algorithm

    @property
    def thumbprint(self) -> str:
        return str(self.key.thumbprint())

    def claims(self, method: str, url: str, token: str = "", **changes: object) -> dict[str, Any]:
        """Return the claims of a good proof, changed; a value of None takes a claim away."""
        claims: dict[str, object] = {
            "jti": uuid.uuid4().hex,
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            **({"ath": part(sha256(token.encode()).digest())} if token else {}),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def header(self, **changes: object) -> dict[str, Any]:
        """Return the header of a good proof, changed likewise."""
        header = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.key.as_dict(private=False), **changes}
        return {name: value for name, value in header.items() if value is not None}

    def proof(self, method: str, url: str, token: str = "", **changes: object) -> str:
        """Return a proof for one request."""
        return signed(self.header(), self.claims(method, url, token, **changes), self.key)


def settings_of(folder: Path, providers: str, **environ: str) -> Settings:
    """Settings with tables `[providers.<name>]`, in a sandbox that asks for bound tokens all the same."""
    file = folder / "registry.toml"
    file.write_text(providers, encoding="utf-8")
    database = f"sqlite:///{folder / 'access.db'}"
    return load_settings(
        {
            "REGISTRY_CONFIG_FILE": str(file),
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_SERVICE__BASE_URL": BASE,
            "REGISTRY_DATABASE__URL": database,
            "REGISTRY_DATABASE__ACCESS_URL": database,
            "REGISTRY_PRIVACY__DIGEST_KEY": new_key(),
            "REGISTRY_PRIVACY__SEALING_KEY": new_key(),
            "REGISTRY_TOKENS__BOUND_IN_SANDBOX": "true",
            # The issuers share the test's process and its two cores: a slow moment is none of theirs.
            "REGISTRY_TOKENS__TIMEOUT_S": "30",
            **environ,
        }
    )


def bound_app(settings: Settings, clock: Callable[[], float] = time.time) -> App:
    """An app with views for a plain scope, a scope that counts in bound tokens only, and one that reads in bulk."""
    app = make_app(settings, clock)
    api = Blueprint("bound", __name__, url_prefix="/v1")
    requires_token(api)

    @api.route("/who", methods=["GET", "POST"])
    @any_caller
    def who() -> dict[str, Any]:
        caller = current_caller()
        return {
            "issuer": caller.issuer,
            "client": caller.client_id,
            "organisation": caller.organisation,
            "scopes": sorted(caller.scopes),
            "withheld": sorted(caller.withheld),
            "key": caller.confirmed_key,
            "acr": caller.acr,
        }

    @api.get("/admin")
    @requires_scope("registry:admin")
    def admin() -> str:
        return "admin"

    @api.get("/people")
    @requires_scope("registry:verify")
    @reads_in_bulk
    def people() -> str:
        return "people"

    app.flask.register_blueprint(api)
    return app
