"""Signed tokens (RFC 7515, RFC 7519) with the rules of RFC 8725, for access tokens and ID tokens alike."""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import CompactSignature, JWSRegistry

from registry.access.challenges import InvalidTokenError
from registry.access.keys import Key, KeyCache

# Headers that bring or name a key of the sender's choosing, change how the payload is read, or demand extensions:
# no token for us has a use for them (RFC 8725 sections 3.9 and 3.10).
FORBIDDEN_HEADERS = ("crit", "jwk", "jku", "x5u", "b64", "zip", "enc")


class _Registry(JWSRegistry):
    """Leaves the choice of algorithm to `TokenReader`; the library's own registry warns about some of them."""

    # Larger than the library's, for providers that send a certificate chain; the token as a whole is bounded.
    max_header_length = 4096

    def get_alg(self, name: str) -> Any:  # noqa: ANN401 - the library does not export the type
        return self.algorithms[name]


_REGISTRY = _Registry(strict_check_header=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """With which key a signature was found to hold."""

    kid: str
    algorithm: str
    key: Key


def read_compact(token: str, *, max_length: int) -> CompactSignature:
    """Take a signed token apart, nothing of it checked yet.

    One token has one form: base64url without padding, line ends or bits left over, and JSON without doubled names.

    Raises:
        InvalidTokenError: it is too long, or none.
    """
    if len(token) > max_length:
        raise InvalidTokenError(f"The token is longer than {max_length} characters.")
    try:
        for part in token.split("."):
            _check_canonical(part)
        signed = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
    except (JoseError, ValueError, RecursionError) as error:
        raise InvalidTokenError("The token is not a signed JWT.") from error
    if not isinstance(signed.headers(), dict):
        raise InvalidTokenError("The token's header is not a JSON object.")
    json_object(base64.urlsafe_b64decode(signed.segments["header"] + b"=="), "header")
    return signed


def check_signature(signed: CompactSignature, key: Key) -> None:
    """Check that `key` made the signature, by the algorithm that the header names: check that one first.

    Raises:
        InvalidTokenError: it did not, or the key is not one for this algorithm.
    """
    try:
        holds = jws.validate_compact(signed, key, registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise InvalidTokenError("The token's signature can't be checked.") from error
    if not holds:
        raise InvalidTokenError("The token's signature does not hold.")


def unverified_issuer(token: str, *, max_length: int) -> object:
    """Return the `iss` that a token claims, to choose whose keys it is checked with, and for nothing else; None without.

    Raises:
        InvalidTokenError: it is no token, or can't be read.
    """
    return json_object(read_compact(token, max_length=max_length).payload).get("iss")


class TokenReader:
    """Checks signature and header of a token.

    Args:
        keys: the issuer's keys.
        algorithms: accepted `alg` values. `EdDSA` also means its newer name `Ed25519` (RFC 9864).
        types: accepted `typ` values in lower case without `application/`; "" accepts a token without.
        max_length: longest token, in characters.
    """

    def __init__(
        self, keys: KeyCache, *, algorithms: Collection[str], types: Collection[str], max_length: int
    ) -> None:
        self._keys = keys
        self._algorithms = {*algorithms, *(["Ed25519"] if "EdDSA" in algorithms else [])}
        self._types = frozenset(types)
        self._max_length = max_length

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token whose signature holds; the claims themselves are not checked here.

        Raises:
            InvalidTokenError: says what is wrong with the token.
            IdentityProviderUnavailableError: the issuer's keys can't be had.
        """
        return self.signed(token)[0]

    def still_holds(self, signature: Signature) -> bool:
        """Tell whether a signature that held would hold now: its issuer publishes the very key still.

        Raises:
            IdentityProviderUnavailableError: the issuer's keys can't be had.
        """
        return self._keys.find(signature.kid, signature.algorithm) is signature.key

    def signed(self, token: str) -> tuple[dict[str, Any], Signature]:
        """Return the claims of a token and what they are signed with; raises as `claims`."""
        signed = read_compact(token, max_length=self._max_length)
        kid, algorithm = self._checked_header(signed.headers())
        key = self._keys.find(kid, algorithm)
        if key is None:
            raise InvalidTokenError("The token is signed with a key that the issuer does not publish.")
        check_signature(signed, key)
        return json_object(signed.payload), Signature(kid, algorithm, key)

    def _checked_header(self, header: Any) -> tuple[str, str]:  # noqa: ANN401 - any JSON, until checked
        if any(name in header for name in FORBIDDEN_HEADERS):
            raise InvalidTokenError("The token's header has a member that is not accepted here.")
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            raise InvalidTokenError("The token's signature algorithm is not accepted here.")
        if not isinstance(kid, str) or not kid:
            raise InvalidTokenError("The token names no key (kid).")
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in self._types:
            raise InvalidTokenError("The token's type (typ) is not the one needed here.")
        return kid, algorithm


def json_object(text: bytes, name: str = "payload") -> dict[str, Any]:
    """Read a JSON object of a token, strictly: no doubled names, of which readers take different ones, and no NaN.

    Raises:
        InvalidTokenError: it is none.
    """
    try:
        # Decoded first: given bytes, the library would also read UTF-16, UTF-32 and a byte order mark.
        value = json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidTokenError(f"The token's {name} is not JSON.") from error
    if not isinstance(value, dict):
        raise InvalidTokenError(f"The token's {name} is not a JSON object.")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice")
    return made


def _no_constant(name: str) -> Any:  # noqa: ANN401 - json's interface
    raise ValueError(f"{name} is not JSON")


def _check_canonical(part: str) -> None:
    """Raise a ValueError unless `part` is the one base64url text of its bytes (RFC 4648 section 3.5)."""
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode("ascii"):
        raise ValueError("not the one form of its bytes")
