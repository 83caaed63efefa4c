"""The list of what is fetched (`digests.txt`) and the check that what came is what the list says."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

DIGEST_FILE = Path(__file__).with_name("digests.txt")


class DigestError(Exception):
    """A fetched file is not the one whose digest stands in the repository; it must not be used."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One line of the digest file: SHA-256, Maven coordinates, and the server folder it belongs into."""

    sha256: str
    group: str
    name: str
    version: str
    kind: str
    place: str

    @property
    def file_name(self) -> str:
        """The name under which Maven delivers it."""
        return f"{self.name}-{self.version}.{self.kind}"

    def verify(self, folder: Path) -> Path:
        """Return the file in `folder`; raises `DigestError` if it is missing or has another digest."""
        path = folder / self.file_name
        if not path.is_file():
            raise DigestError(f"{self.file_name} was not delivered; run `make services` again")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.sha256:
            raise DigestError(
                f"{self.file_name} is not the file this project was tested with: SHA-256 is {found}, "
                f"{DIGEST_FILE.name} says {self.sha256}. It was not used. Remove "
                f"{self.group.replace('.', '/')}/{self.name}/{self.version} from your local Maven repository and "
                "run `make services` again; if the digest still differs, do not use the file and tell the "
                "maintainers",
            )
        return path


def read_digests(path: Path = DIGEST_FILE) -> list[Artifact]:
    """Read the digest file: `SHA-256 group:name:version:kind place` a line, `#` starts a comment.

    Raises `DigestError` on a line of another shape.
    """
    artifacts = []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            sha256, coordinates, place = words
            group, name, version, kind = coordinates.split(":")
        except ValueError:
            raise DigestError(
                f"{path.name} line {number}: write `SHA-256 group:name:version:kind place`",
            ) from None
        if len(sha256) != hashlib.sha256().digest_size * 2:
            raise DigestError(f"{path.name} line {number}: a SHA-256 digest has 64 hexadecimal digits")
        artifacts.append(Artifact(sha256.lower(), group, name, version, kind, place))
    return artifacts
