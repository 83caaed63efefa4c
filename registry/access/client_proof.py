"""How we prove who we are at a provider's token endpoint: client secret (Basic) or signed assertion (RFC 7523)."""

import base64
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc7523 import private_key_jwt_sign
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey, OKPKey, RSAKey

from registry.errors import SettingsError
from registry.settings import Login, ProviderSettings

# Takes the token endpoint, the headers and the form body of a request; returns headers and body with the proof.
ClientProof = Callable[[str, dict[str, str], str], tuple[dict[str, str], str]]
PrivateKey = RSAKey | ECKey | OKPKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 60
_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "Ed25519": "Ed25519"}
_USE = f"use an RSA key or one on {', '.join(_ALGORITHMS)}."


def client_proof(settings: Login | ProviderSettings, section: str = "login") -> ClientProof:
    """Return the proof that settings ask for.

    Args:
        settings: of the provider.
        section: what it is called there, for errors.

    Raises:
        SettingsError: none is set, or two are, or the key can't be used.
    """
    if bool(settings.client_secret) == bool(settings.private_key_file):
        raise SettingsError(
            f"Set exactly one of {section}.client_secret and {section}.private_key_file: "
            "the identity provider wants one proof of who is asking."
        )
    if settings.client_secret:
        return _basic(settings.client_id, settings.client_secret.reveal())
    return _assertion(settings.client_id, Path(settings.private_key_file), f"{section}.private_key_file")


def _basic(client_id: str, secret: str) -> ClientProof:
    # RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return lambda _url, headers, body: ({**headers, "Authorization": authorization}, body)


def _assertion(client_id: str, path: Path, setting: str) -> ClientProof:
    key = _private_key(path, setting)
    key.ensure_kid()
    algorithm = "RS256" if isinstance(key, RSAKey) else _ALGORITHMS.get(key.curve_name, "")
    if not algorithm:
        raise SettingsError(f"{setting} names {path}, a key on a curve that can't sign here; {_USE}")

    def prove(url: str, headers: dict[str, str], body: str) -> tuple[dict[str, str], str]:
        assertion = private_key_jwt_sign(
            key,
            client_id,
            url,
            alg=algorithm,
            header={"kid": key.kid},
            expires_in=_ASSERTION_SECONDS,
        )
        proof = {
            "client_id": client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        return headers, f"{body}&{urlencode(proof)}"

    return prove


def _private_key(path: Path, setting: str) -> PrivateKey:
    try:
        pem = path.read_bytes()
        loaded = load_pem_private_key(pem, password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(
            f"{setting} names {path}, which can't be read as a private key in PEM form without password."
        ) from error
    match loaded:
        case RSAPrivateKey():
            return RSAKey.import_key(pem)
        case EllipticCurvePrivateKey():
            return ECKey.import_key(pem)
        case Ed25519PrivateKey():
            return OKPKey.import_key(pem)
    raise SettingsError(f"{setting} names {path}, a key of a kind that can't sign here; {_USE}")
