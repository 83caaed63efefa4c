"""Puts the verified artifacts together to a server, whole or not at all; here OpenSearch.

The published zip has the transport modules only. Further ones are published one by one; each gets a folder and a
descriptor, as they have in the full distribution. The module analysis-common is left out: the registry's index needs no
analyzer, and that module makes no index on a Java without Thai, such as the wheel's.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.services.digests import Artifact, read_digests

_MODULES = {
    # field types beyond the core ones
    "mapper-extras": "org.opensearch.index.mapper.MapperExtrasModulePlugin",
    # _reindex, _update_by_query, _delete_by_query
    "reindex": "org.opensearch.index.reindex.ReindexModulePlugin",
}
_DESCRIPTOR = """\
description=OpenSearch's own module {name}
version={version}
name={name}
classname={classname}
java.version=21
opensearch.version={version}
custom.foldername=
extended.plugins=
has.native.controller=false
"""
INVENTORY = "assembled.json"
_TEMPORARY = ".assembling-"
_STEPS = 1  # raise it when the steps below change: servers that stand already are then put together anew


def services_folder() -> Path:
    """Return the folder of fetched services: `REGISTRY_SERVICES_DIR`, else `.services` in the project."""
    named = os.environ.get("REGISTRY_SERVICES_DIR")
    return Path(named).expanduser().resolve() if named else Path(__file__).resolve().parents[2] / ".services"


def server_folder(artifacts: Sequence[Artifact] | None = None) -> Path:
    """Return where the assembled server stands, or would stand."""
    return services_folder() / f"opensearch-{_server(artifacts or read_digests()).version}"


def is_assembled() -> bool:
    """Tell whether the server stands complete and was made from today's digest file."""
    artifacts = read_digests()
    return stands_whole(server_folder(artifacts), _recipe(artifacts))


def assemble(artifacts: Sequence[Artifact], downloads: Path) -> Path:
    """Verify every artifact in `downloads`, put the server together and move it into place in one step.

    Raises `DigestError` before anything is unpacked if a file is not the right one. An older or damaged
    server in the same place is replaced.
    """
    files = {artifact: artifact.verify(downloads) for artifact in artifacts}
    target = server_folder(artifacts)
    with scratch_folder() as scratch:
        server = scratch / "server"
        with zipfile.ZipFile(files[_server(artifacts)]) as archive:
            archive.extractall(scratch / "unpacked")
        (unpacked,) = (scratch / "unpacked").iterdir()
        unpacked.rename(server)
        for artifact, path in files.items():
            if artifact.place != ".":
                (server / artifact.place).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, server / artifact.place / artifact.file_name)
        version = _server(artifacts).version
        for name, classname in _MODULES.items():
            descriptor = _DESCRIPTOR.format(name=name, version=version, classname=classname)
            (server / "modules" / name / "plugin-descriptor.properties").write_text(
                descriptor, encoding="ascii"
            )
        move_into_place(server, target, _recipe(artifacts), scratch)
    return target


def stands_whole(folder: Path, recipe: str) -> bool:
    """Tell whether a server stands there complete and was made by this recipe."""
    try:
        inventory = json.loads((folder / INVENTORY).read_bytes())
        sizes: dict[str, int] = inventory["files"]
        return bool(inventory["recipe"] == recipe) and all(
            (folder / name).stat().st_size == size for name, size in sizes.items()
        )
    except (OSError, ValueError, KeyError):
        return False


def move_into_place(server: Path, target: Path, recipe: str, scratch: Path) -> None:
    """Write down what the server consists of and put it where an older one may stand, in one step."""
    sizes = _open_to_all(server)
    inventory = json.dumps({"recipe": recipe, "files": sizes}, indent=1)
    (server / INVENTORY).write_text(inventory, encoding="utf-8")
    if target.exists():
        target.rename(scratch / "replaced")
    server.rename(target)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder beside the server that is removed afterwards."""
    scratch = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=services_folder()))
    scratch.chmod(0o755)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove what an interrupted fetch left; the caller holds the fetch lock, so nobody uses it."""
    for leftover in services_folder().glob(f"{_TEMPORARY}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _server(artifacts: Sequence[Artifact]) -> Artifact:
    (server,) = (artifact for artifact in artifacts if artifact.place == ".")
    return server


def _recipe(artifacts: Sequence[Artifact]) -> str:
    told = repr((_STEPS, _DESCRIPTOR, sorted(_MODULES.items()), list(artifacts)))
    return hashlib.sha256(told.encode()).hexdigest()


def _open_to_all(server: Path) -> dict[str, int]:
    """Make the tree readable whatever the umask was (the server runs under another account as root)."""
    sizes: dict[str, int] = {}
    server.chmod(0o755)
    for path in sorted(server.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        else:
            path.chmod(0o755 if path.parent.name == "bin" else 0o644)
            sizes[path.relative_to(server).as_posix()] = path.stat().st_size
    return sizes
