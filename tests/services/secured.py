"""OpenSearch with its security plugin, in a folder beside the plain server: plugins are loaded by where they lie."""

import hashlib
import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.services import assemble
from tests.services.account import link_or_copy
from tests.services.digests import DIGEST_FILE, Artifact, read_digests

NAME = "OpenSearch with users and TLS"
# The module that the descriptor names is not published by itself. The plugin does without it, but for one jar that comes
# with it (digests-security.txt).
_EXTENDED = re.compile(r"^extended\.plugins=.*$", re.MULTILINE)
_STEPS = 1  # raise it when the steps of `put_together` change


def read_security_digests() -> list[Artifact]:
    """Return what is added to the plain server."""
    return read_digests(DIGEST_FILE.with_name("digests-security.txt"))


def server_folder() -> Path:
    """Return where the server with the plugin stands, or would stand."""
    plain = assemble.server_folder()
    return plain.with_name(f"{plain.name}-secured")


def is_assembled() -> bool:
    """Tell whether it stands complete and was made from today's digest files."""
    return stands_whole() and assemble.is_assembled()


def stands_whole() -> bool:
    """Tell whether the folder itself is complete."""
    return assemble.stands_whole(server_folder(), _recipe(read_security_digests()))


def put_together(artifacts: Sequence[Artifact], downloads: Path) -> Path:
    """Verify the plugin in `downloads`, add it to a copy of the plain server and move that into place in one step.

    The plain server must stand. Raises `DigestError` if a file is not the right one.
    """
    files = {artifact: artifact.verify(downloads) for artifact in artifacts}
    target = server_folder()
    with assemble.scratch_folder() as scratch:
        server = scratch / "server"
        # Links take no room; both folders lie on one file system.
        shutil.copytree(assemble.server_folder(), server, copy_function=link_or_copy, symlinks=True)
        (server / assemble.INVENTORY).unlink()
        for artifact, path in files.items():
            place = server / artifact.place
            if artifact.kind == "zip":
                _unpack(path, place)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place / artifact.file_name)
        assemble.move_into_place(server, target, _recipe(artifacts), scratch)
    return target


def _unpack(plugin: Path, place: Path) -> None:
    with zipfile.ZipFile(plugin) as archive:
        archive.extractall(place)
    descriptor = place / "plugin-descriptor.properties"
    text = descriptor.read_text(encoding="utf-8")
    descriptor.write_text(_EXTENDED.sub("extended.plugins=", text), encoding="utf-8")


def _recipe(artifacts: Sequence[Artifact]) -> str:
    told = repr((_STEPS, list(artifacts), read_digests()))
    return hashlib.sha256(told.encode()).hexdigest()
