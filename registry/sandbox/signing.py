"""The provider's signing keys: made at start, rotated on call, never written anywhere."""

import threading
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

ALGORITHM = "RS256"
_BITS = 2048


class SigningKeys:
    """Keys of which the newest signs and all are published until withdrawn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: list[RSAKey] = []
        self.rotate()

    def rotate(self) -> str:
        """Sign with a new key from now on; return its id. The old ones stay published."""
        key = RSAKey.generate_key(_BITS, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        with self._lock:
            self._keys.append(key)
        return str(key.kid)

    def withdraw(self, kid: str) -> None:
        """Stop publishing a key; never the one that signs.

        Raises:
            ValueError: it signs, or there is no such key.
        """
        with self._lock:
            if kid not in [key.kid for key in self._keys[:-1]]:
                raise ValueError("only a published key that no longer signs can be withdrawn")
            self._keys = [key for key in self._keys if key.kid != kid]

    @property
    def current(self) -> RSAKey:
        """The key that signs."""
        with self._lock:
            return self._keys[-1]

    def key_set(self) -> KeySet:
        """Return the signing key as a set of one: from a set, the libraries write its id into the header."""
        return KeySet([self.current])

    def published(self) -> dict[str, Any]:
        """Return the public keys as a JWK Set (RFC 7517)."""
        with self._lock:
            return dict(KeySet([*self._keys]).as_dict(private=False))

    def sign(self, claims: dict[str, Any], *, kind: str = "at+jwt", **header: Any) -> str:  # noqa: ANN401 - JSON values
        """Sign claims as a token of `kind` (`typ`); further header members as given."""
        key = self.current
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": kind, **header}, claims, key)
