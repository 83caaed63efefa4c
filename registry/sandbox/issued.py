"""What the development identity provider has given out; gone when it stops."""

import time
from dataclasses import dataclass
from threading import Lock

from registry.sandbox.config import SandboxUser

_CODE_SECONDS = 60


@dataclass(frozen=True)
class Code:
    """An authorization code and what it was issued for."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    user: SandboxUser
    issued_at: int

    def get_redirect_uri(self) -> str:
        """Return the address it was sent to."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return the scopes of the login."""
        return self.scope

    def get_nonce(self) -> str:
        """Return the nonce of the login."""
        return self.nonce

    def get_auth_time(self) -> int:
        """Return when the person logged in, in seconds since 1970."""
        return self.issued_at

    def get_acr(self) -> None:
        """Return no level of assurance: nobody has been authenticated."""

    def get_amr(self) -> None:
        """Return no method: nobody has been authenticated."""


class Issued:
    """Codes and tokens given out, and client assertions seen. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._codes: dict[str, Code] = {}
        self._people: dict[str, tuple[SandboxUser, str]] = {}
        self._assertions: set[str] = set()

    def add_code(self, code: Code) -> None:
        """Remember a code."""
        with self._lock:
            self._codes[code.code] = code

    def take_code(self, code: str, client_id: str) -> Code | None:
        """Return a code once, to the client it was issued to, within a minute."""
        with self._lock:
            found = self._codes.pop(code, None)
        valid = (
            found is not None
            and found.client_id == client_id
            and time.time() < found.issued_at + _CODE_SECONDS
        )
        return found if valid else None

    def add_person(self, token: str, user: SandboxUser, scope: str) -> None:
        """Remember whom an access token may be told about."""
        with self._lock:
            self._people[token] = (user, scope)

    def person(self, token: str) -> tuple[SandboxUser, str] | None:
        """Return user and scopes of an access token."""
        with self._lock:
            return self._people.get(token)

    def first_use(self, assertion_id: str) -> bool:
        """Tell whether a client's assertion is seen for the first time."""
        with self._lock:
            seen = assertion_id in self._assertions
            self._assertions.add(assertion_id)
            return not seen
