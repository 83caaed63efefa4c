"""DPoP proofs (RFC 9449): that whoever sends an access token holds the key that the token is bound to.

A proof is a small signed token made for one request; its key stands in its own header. `DpopProofs.check` finds whether it
holds for this request and returns the key's thumbprint; whether that is the token's key, the caller compares. Only then is
the proof used up (`use_once`), so that nobody without a token makes us write.
"""

import base64
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import unquote, urlsplit

from registry.access.challenges import InvalidProofError, InvalidTokenError
from registry.access.jws import FORBIDDEN_HEADERS, check_signature, json_object, read_compact
from registry.access.keys import Key, key_type, public_key
from registry.errors import SettingsError
from registry.settings import Tokens

_PORTS = {"http": 80, "https": 443}
_NONCE_BYTES = 24
# Takes the digest of a proof and until when (seconds since 1970) it could come again; tells whether this was the first time.
UseOnce = Callable[[bytes, float], bool]


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds for this request.

    Attributes:
        thumbprint: of its key (RFC 7638, SHA-256, base64url).
        digest: what it is known by.
        until: seconds since 1970, after which it is too old in any case.
    """

    thumbprint: str
    digest: bytes
    until: float


class DpopProofs:
    """Checks proofs. Safe to use from many threads.

    Args:
        settings: section `[tokens]`.
        base_url: the service's public address, with which `htu` begins.
        digest: keyed digest, the same in every worker, for nonces.
        use_once: see `UseOnce`.
        clock: seconds since 1970.

    Raises:
        SettingsError: `base_url` is no address.
    """

    def __init__(
        self,
        settings: Tokens,
        *,
        base_url: str,
        digest: Callable[[str], bytes],
        use_once: UseOnce,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        try:
            self._base = _address(base_url.rstrip("/"))
        except ValueError as error:
            raise SettingsError(
                "Setting service.base_url is no address; write e.g. https://registry.example."
            ) from error
        self._digest = digest
        self._use_once = use_once
        self._clock = clock
        self._accepted = {
            *settings.dpop_algorithms,
            *(["Ed25519"] if "EdDSA" in settings.dpop_algorithms else []),
        }
        self.algorithms = " ".join(sorted(self._accepted))

    def check(self, proof: str, *, method: str, path: str, token: str) -> Proof:
        """Return what a proof shows (RFC 9449 section 4.3).

        Args:
            proof: the value of the one header `DPoP`.
            method: of the request.
            path: of the request, decoded, below the service's public address: behind a proxy that serves it under a path of its
                own, that path is part of `service.base_url`.
            token: the access token that came with it.

        Raises:
            InvalidProofError: says what is wrong.
        """
        try:
            signed = read_compact(proof, max_length=self._settings.dpop_max_length)
            key = self._key(signed.headers())
            check_signature(signed, key)
            claims = json_object(signed.payload)
        except InvalidTokenError as error:
            raise self._refused(
                (error.detail or error.title).replace("The token", "The DPoP proof")
            ) from error
        self._check_request(claims, method, path)
        expected = base64.urlsafe_b64encode(sha256(token.encode("utf-8", "surrogateescape")).digest()).rstrip(
            b"="
        )
        if not _same(claims.get("ath"), expected.decode()):
            raise self._refused("The DPoP proof was made for another access token (ath).")
        until = self._check_time(claims)
        self._check_nonce(claims)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise self._refused("The DPoP proof has no identifier (jti).")
        thumbprint = str(key.thumbprint())
        return Proof(
            thumbprint, sha256(f"{thumbprint} {jti}".encode("utf-8", "surrogatepass")).digest(), until
        )

    def use(self, proof: Proof) -> None:
        """Use a proof up, on all workers.

        Raises:
            InvalidProofError: it has been used before.
        """
        if not self._use_once(proof.digest, proof.until):
            raise self._refused("The DPoP proof has been used before; make a new one for each request.")

    def nonce(self) -> str:
        """Return the nonce that proofs must carry now; "" when none is asked for."""
        return self._nonce_of(self._period()) if self._settings.dpop_nonce_s else ""

    def _key(self, header: dict[str, Any]) -> Key:
        if any(name in header for name in FORBIDDEN_HEADERS if name != "jwk"):
            raise self._refused("The DPoP proof's header has a member that is not accepted here.")
        if header.get("typ") != "dpop+jwt":
            raise self._refused("The DPoP proof's type (typ) is not dpop+jwt.")
        algorithm, jwk = header.get("alg"), header.get("jwk")
        if not isinstance(algorithm, str) or algorithm not in self._accepted:
            raise self._refused("The DPoP proof's signature algorithm is not accepted here.")
        if not isinstance(jwk, dict) or jwk.get("kty") != key_type(algorithm):
            raise self._refused("The DPoP proof brings no key (jwk) for its algorithm.")
        try:
            return public_key(jwk)
        except ValueError as error:
            raise self._refused(
                f"The DPoP proof's key is not one that is accepted here ({error})."
            ) from error

    def _check_request(self, claims: dict[str, Any], method: str, path: str) -> None:
        if claims.get("htm") != method:
            raise self._refused("The DPoP proof was made for another method (htm).")
        try:
            scheme, host, port, below = _address(claims.get("htu"))
        except ValueError as error:
            raise self._refused("The DPoP proof's address (htu) is none.") from error
        own_scheme, own_host, own_port, prefix = self._base
        if (scheme, host, port) != (own_scheme, own_host, own_port) or below != prefix + path:
            raise self._refused(
                "The DPoP proof was made for another address (htu); it begins with the service's public address."
            )

    def _check_time(self, claims: dict[str, Any]) -> float:
        """Check `iat`; return until when the proof could come again."""
        issued, window = claims.get("iat"), self._settings.dpop_window_s
        if isinstance(issued, bool) or not isinstance(issued, int | float):
            raise self._refused("The DPoP proof does not tell when it was made (iat).")
        now = self._clock()
        # Compared, not subtracted: JSON's integers have no end.
        if not now - window <= issued <= now + window:
            raise self._refused(
                f"The DPoP proof was not made within {window} s of now (iat); check the clock."
            )
        return float(issued) + window + 1

    def _check_nonce(self, claims: dict[str, Any]) -> None:
        if not self._settings.dpop_nonce_s:
            return
        period = self._period()
        if not any(_same(claims.get("nonce"), self._nonce_of(n)) for n in (period, period - 1)):
            raise self._refused(
                "The DPoP proof must carry the nonce of the header DPoP-Nonce.", code="use_dpop_nonce"
            )

    def _period(self) -> int:
        return int(self._clock() // self._settings.dpop_nonce_s)

    def _nonce_of(self, period: int) -> str:
        # The words before keep it apart from every digest of a personal identity number.
        return base64.urlsafe_b64encode(self._digest(f"DPoP nonce {period}")[:_NONCE_BYTES]).decode()

    def _refused(self, detail: str, code: str = "invalid_dpop_proof") -> InvalidProofError:
        return InvalidProofError(detail, algorithms=self.algorithms, code=code)


def _same(value: object, expected: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode("utf-8", "replace"), expected.encode())


def _address(value: object) -> tuple[str, str, int, str]:
    """Return scheme, host, port and decoded path, as RFC 3986 section 6.2 compares them; query and fragment do not count.

    Raises:
        ValueError: `value` is no absolute address of http or https.
    """
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ValueError("no address")
    parts = urlsplit(value)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise ValueError("no address")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme], unquote(parts.path)
