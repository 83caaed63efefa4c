"""What a Keycloak is made of: its files, and two realms with keys, secrets and passwords that are new in each run.

The realm files under `realms/` hold no secret: every client and every person gets one when the server is started.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from tests.services.account import link_or_copy
from tests.services.assemble import move_into_place, scratch_folder, services_folder, stands_whole
from tests.services.digests import Artifact, read_digests

NAME = "Keycloak"
REALMS = ("staff", "partner")
_FOLDER = Path(__file__).parent
_STEPS = 1  # raise it when the steps of `assemble` change
# Jars that are only read; everything else a run may write to.
_READ_ONLY = Path("lib", "lib")


def read_keycloak_digests() -> list[Artifact]:
    """Return what the server consists of."""
    return read_digests(_FOLDER / "digests-keycloak.txt")


def server_folder() -> Path:
    """Return where the server's files stand, or would stand."""
    (server,) = read_keycloak_digests()
    return services_folder() / f"keycloak-{server.version}"


def is_assembled() -> bool:
    """Tell whether the server's files stand complete and are those of today's digest file."""
    return stands_whole(server_folder(), _recipe(read_keycloak_digests()))


def assemble(artifacts: Sequence[Artifact], downloads: Path) -> Path:
    """Verify the archive in `downloads`, unpack it and move it into place in one step.

    Raises `DigestError` if it is not the right one.
    """
    (server,) = artifacts
    archive_path = server.verify(downloads)
    with scratch_folder() as scratch:
        with zipfile.ZipFile(archive_path) as archive:
            archive.extractall(scratch / "unpacked")
        (unpacked,) = (scratch / "unpacked").iterdir()
        move_into_place(unpacked, server_folder(), _recipe(artifacts), scratch)
    return server_folder()


def _recipe(artifacts: Sequence[Artifact]) -> str:
    return hashlib.sha256(repr((_STEPS, list(artifacts))).encode()).hexdigest()


def lay_out(home: Path) -> None:
    """Give a run its own copy of the server, which writes into its own folders; jars are linked where possible."""
    source = server_folder()

    def copy(one: str, other: str) -> None:
        if Path(one).relative_to(source).is_relative_to(_READ_ONLY):
            link_or_copy(one, other)
        else:
            shutil.copy2(one, other)

    shutil.copytree(source, home, copy_function=copy)


@dataclass(frozen=True)
class Secrets:
    """What one realm's people and clients prove themselves with."""

    passwords: dict[str, str]
    client_secrets: dict[str, str]
    private_keys: dict[str, str]  # PEM, of clients with private_key_jwt


def write_realm(realm: str, folder: Path) -> Secrets:
    """Write a realm's file for the server to import, with new secrets in it; return them."""
    document: dict[str, Any] = json.loads((_FOLDER / "realms" / f"{realm}.json").read_text("utf-8"))
    made = Secrets({}, {}, {})
    for user in document["users"]:
        password = made.passwords[user["username"]] = secrets.token_urlsafe(12)
        user["credentials"] = [{"type": "password", "value": password, "temporary": False}]
    for client in document["clients"]:
        name = client["clientId"]
        if client["clientAuthenticatorType"] == "client-jwt":
            key = ECKey.generate_key("P-256", auto_kid=True)
            made.private_keys[name] = key.as_pem(private=True).decode()
            public = key.as_dict(private=False, kid=key.thumbprint(), alg="ES256", use="sig")
            client["attributes"]["jwks.string"] = json.dumps({"keys": [public]})
        else:
            client["secret"] = made.client_secrets[name] = secrets.token_urlsafe(24)
    path = folder / f"{realm}-realm.json"
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file)
    return made
