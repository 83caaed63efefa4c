"""Whether whoever sends a token may: the key that the token is bound to (`cnf`: RFC 7800, RFC 8705, RFC 9449)."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from registry.access.challenges import InvalidProofError, InvalidTokenError
from registry.access.dpop import DpopProofs, Proof

_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url
_METHODS = {"jkt": "jkt", "x5t#S256": "x5t"}


@dataclass(frozen=True, slots=True)
class Presented:
    """An access token and what came with it.

    Attributes:
        token: the token.
        scheme: of the `Authorization` header.
        method, path: of the request.
        proof: the header `DPoP`, "" for none.
        certificate: thumbprint of the certificate shown on the TLS connection, "" for none.
    """

    token: str
    scheme: Literal["bearer", "dpop"] = "bearer"
    method: str = ""
    path: str = ""
    proof: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Thumbprints of the keys a token is bound to, "" where to none."""

    jkt: str = ""
    x5t: str = ""

    @property
    def key(self) -> str:
        """The key, for `Caller.confirmed_key`."""
        if self.jkt:
            return f"jkt:{self.jkt}"
        return f"x5t#S256:{self.x5t}" if self.x5t else ""

    def check(self, sent: Presented, proofs: DpopProofs) -> None:
        """Check that the sender holds every key that the token is bound to; use up the proof of it.

        Raises:
            InvalidTokenError: it is not shown (InvalidProofError where the DPoP proof is at fault).
        """
        if self.x5t and not hmac.compare_digest(sent.certificate.encode(), self.x5t.encode()):
            raise InvalidTokenError(
                "The token is bound to a client certificate, which did not come with the request."
            )
        if (proof := self._check_proof(sent, proofs)) is not None:
            proofs.use(proof)

    def _check_proof(self, sent: Presented, proofs: DpopProofs) -> Proof | None:
        if sent.scheme == "bearer":
            if self.jkt:
                raise _refused(
                    "The token is bound to a key: send it with the scheme DPoP and a proof.", proofs
                )
            return None
        if not self.jkt:
            raise _refused("The token is not bound to a key: send it with the scheme Bearer.", proofs)
        if not sent.proof:
            raise InvalidProofError("Send one header DPoP with a proof.", algorithms=proofs.algorithms)
        proof = proofs.check(sent.proof, method=sent.method, path=sent.path, token=sent.token)
        if not hmac.compare_digest(proof.thumbprint, self.jkt):
            raise _refused("The token is bound to another key than the DPoP proof's.", proofs)
        return proof


def confirmation(claims: Mapping[str, Any]) -> Confirmation:
    """Read the claim `cnf`.

    Raises:
        InvalidTokenError: it asks for something that can't be checked here, so that nobody can fulfil it.
    """
    if "cnf" not in claims:
        return Confirmation()
    told = claims["cnf"]
    if not isinstance(told, dict) or not told or not told.keys() <= _METHODS.keys():
        raise InvalidTokenError("The token is bound in a way (cnf) that can't be checked here.")
    if not all(isinstance(value, str) and _THUMBPRINT.fullmatch(value) for value in told.values()):
        raise InvalidTokenError("The token's claim cnf is not accepted here.")
    return Confirmation(**{_METHODS[name]: value for name, value in told.items()})


def _refused(detail: str, proofs: DpopProofs) -> InvalidProofError:
    return InvalidProofError(detail, algorithms=proofs.algorithms, code="invalid_token")
