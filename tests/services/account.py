"""Which system account a server runs under, and how to put the server's files within its reach.

OpenSearch and PostgreSQL refuse to run as root. As root, an unprivileged account is used; it often cannot
read a clone or a virtual environment under root's home. Widening those folders' permissions would open
root's home to everyone, so what cannot be read is placed in the server's own temporary folder instead.
"""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services.missing import ServiceMissingError

_PROBE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a server process; `uid` and `gid` are None for "as the caller"."""

    name: str
    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """No further groups for a switched account (root's own would leak into it)."""
        return None if self.uid is None else []

    def own(self, path: Path) -> None:
        """Give a file or folder to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def run(self, command: Sequence[str | Path], *, environment: dict[str, str] | None = None) -> str:
        """Run a short command as the account and return what it printed.

        Raises `OSError` if it cannot be run and `subprocess.SubprocessError` if it fails or hangs.
        """
        return subprocess.run(
            command,
            user=self.uid,
            group=self.gid,
            extra_groups=self.groups,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", **(environment or {})},
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PROBE_SECONDS,
        ).stdout

    def can_read(self, path: Path) -> bool:
        """Tell whether the account can read the path and traverse every folder above it."""
        try:
            self.run(["test", "-r", path])
        except (OSError, subprocess.SubprocessError):
            return False
        return True


def choose_account(service: str, *names: str) -> Account:
    """Return the caller's own account, or as root the first of `names` that the system knows.

    Raises `ServiceMissingError` when root has none of them to switch to.
    """
    if os.geteuid() != 0:
        return Account("the caller")
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServiceMissingError(
        service,
        reason=f"it refuses to run as root and the system has no account {' or '.join(names)}",
        remedy=f"make one (useradd --system {names[-1]}) or run the tests as an ordinary user",
    )


def within_reach(base: Path, parts: Sequence[str], probe: str, *, account: Account, folder: Path) -> Path:
    """Return a folder that holds `parts` (as they stand under `base`) where the account can read `probe`.

    That is `base` itself where possible; else `folder`, with the parts hard-linked or copied into it.
    """
    if account.can_read(base / probe):
        return base
    for part in parts:
        _place(base / part, folder, Path(part))
    return folder


def _place(source: Path, folder: Path, part: Path) -> None:
    shutil.copytree(source, folder / part, symlinks=True, copy_function=link_or_copy)
    inside = [folder / part, *(folder / above for above in part.parents)]
    for root, folders, _ in os.walk(folder / part):
        inside.extend(Path(root, name) for name in folders)
    for made in inside:
        if not made.is_symlink():
            made.chmod(0o755)


def link_or_copy(source: str, target: str) -> None:
    """Link a file that everyone may read, else copy it so that everyone may (for `shutil.copytree`)."""
    if Path(source).stat().st_mode & stat.S_IROTH:
        try:
            os.link(source, target)
        except OSError:  # another file system, or links are forbidden there
            pass
        else:
            return
    shutil.copy2(source, target)
    copy = Path(target)
    mode = copy.stat().st_mode
    everyone_runs = 0o111 if mode & stat.S_IXUSR else 0
    copy.chmod(mode | 0o444 | everyone_runs)
