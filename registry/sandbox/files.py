"""The file that tells the development identity provider its users and clients."""

from pathlib import Path
from typing import Any

import msgspec

from registry.errors import SettingsError
from registry.sandbox.config import ProviderConfig, SandboxClient, SandboxUser
from registry.settings import Secret


class _File(msgspec.Struct, forbid_unknown_fields=True):
    users: tuple[SandboxUser, ...]
    clients: tuple[SandboxClient, ...]


def load_provider(path: Path, issuer: str, audience: str) -> ProviderConfig:
    """Read users and clients (JSON, the fields of `SandboxUser` and `SandboxClient`).

    Raises:
        SettingsError: the file can't be read, or what in it is wrong.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File, dec_hook=_secret)
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}.") from error
    return ProviderConfig(issuer=issuer, audience=audience, users=found.users, clients=found.clients)


def _secret(kind: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's own signature
    if kind is not Secret or not isinstance(value, str):
        raise ValueError("expected `str`")  # msgspec tells where in the file
    return Secret(value)
