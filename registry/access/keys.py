"""The signing keys of an identity provider: which ones are taken, and finding the one a token names."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from registry.access.remote import Remote

log = structlog.get_logger()
Key = RSAKey | ECKey | OKPKey
# (key id, key type): RFC 7517 section 4.5 lets keys of different types share an id.
Keys = Mapping[tuple[str, str], Key]

_TYPES: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_CURVES = frozenset({"P-256", "P-384", "Ed25519"})
# RFC 7518 section 6: members that only private and symmetric keys have.
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MIN_RSA_BITS = 2048  # NIST SP 800-131A; Swedish OIDC profile
# A DPoP proof brings its own key, and checking a signature with a large one is work that its sender gives us.
_MAX_RSA_BITS = 8192
_MAX_RSA_EXPONENT_BITS = 64
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


def key_type(algorithm: str) -> str:
    """Return the key type (`kty`) that a signature algorithm needs, "" for one we know nothing of."""
    return _KEY_TYPES.get(algorithm[:2], "")


def read_key_set(document: Mapping[str, Any]) -> Keys:
    """Read a JWK Set (RFC 7517), leaving out every key that may not verify our tokens.

    Left out: keys without an id, symmetric keys, private keys (a provider that publishes one has lost it), keys
    for encryption, RSA below 2048 bits, curves we don't take, and what can't be read.
    """
    entries = document.get("keys")
    keys: dict[tuple[str, str], Key] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and (key := _read_key(entry)) is not None:
            keys.setdefault((entry["kid"], entry["kty"]), key)
    return keys


def _read_key(entry: dict[str, Any]) -> Key | None:
    kid = entry.get("kid")
    if not isinstance(kid, str) or not kid:
        return None
    operations = entry.get("key_ops", ["verify"])
    if entry.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    if _PRIVATE_MEMBERS & entry.keys():
        log.error("identity_provider_publishes_private_key", kid=kid)
        return None
    try:
        return public_key(entry)
    except ValueError as error:
        log.warning("identity_provider_key_not_taken", kid=kid, reason=str(error))
        return None


def public_key(entry: Mapping[str, Any]) -> Key:
    """Read one public key (JWK) that may verify signatures.

    Raises:
        ValueError: it is private or symmetric, of a kind not taken, too weak or too large, or can't be read; says which, not
            its value.
    """
    kty = entry.get("kty")
    if not isinstance(kty, str) or kty not in _TYPES:
        raise ValueError("kind not taken")
    if _PRIVATE_MEMBERS & entry.keys():
        raise ValueError("private")
    if not _strong(entry):
        raise ValueError("too weak or too large")
    try:
        return _TYPES[kty].import_key(dict(entry))
    except (JoseError, ArithmeticError, LookupError, TypeError, UnsupportedAlgorithm, ValueError) as error:
        raise ValueError("unreadable") from error


def _strong(entry: Mapping[str, Any]) -> bool:
    if entry["kty"] == "RSA":
        # Six bits a character (base64url); checked before reading, because the library only warns.
        return _MIN_RSA_BITS <= _bits(entry.get("n")) <= _MAX_RSA_BITS + 6 and (
            0 < _bits(entry.get("e")) <= _MAX_RSA_EXPONENT_BITS + 6
        )
    curve = entry.get("crv")
    return isinstance(curve, str) and curve in _CURVES


def _bits(value: object) -> int:
    """Return about how many bits a number in base64url has: up to six too many."""
    return len(value.rstrip("=")) * 6 if isinstance(value, str) else 0


class KeyCache:
    """Keys by id, fetched as `Remote` tells. Safe to use from many threads.

    Args:
        fetch: gets the JWK Set document.
        ttl_s, cooldown_s, max_stale_s, wait_s, clock: as for `Remote`.
    """

    def __init__(self, fetch: Callable[[], Mapping[str, Any]], **limits: Any) -> None:  # noqa: ANN401 - see Remote
        self._keys: Remote[Keys] = Remote(lambda: read_key_set(fetch()), **limits)

    def find(self, kid: str, algorithm: str) -> Key | None:
        """Return the key for `kid` and `algorithm`, or None if the provider has no such key.

        Raises:
            IdentityProviderUnavailableError: the provider can't be asked and no key for it is known.
        """
        wanted = (kid, key_type(algorithm))
        key = self._keys.get(lambda keys: wanted in keys).get(wanted)
        # RFC 8725 section 3.1: a key is used with the one algorithm it was made for.
        return key if key is not None and key.get("alg") in {None, algorithm} else None
