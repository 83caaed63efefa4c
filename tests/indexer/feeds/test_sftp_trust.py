"""SFTP against a real server: who it is, and who we are."""

import base64
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from msgspec.structs import replace

from indexer.feeds import FeedUnavailableError
from indexer.feeds.sources import SftpSource
from registry.errors import SettingsError
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.sftp_server import OURS, PASSWORD, USER, Sftp, put, serving


def test_a_server_is_known_by_its_key_its_fingerprint_or_a_known_hosts_file(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, tmp_path: Path
) -> None:
    put(sftp, "feed.csv", b"x")
    known = sftp.known_hosts(tmp_path / "known_hosts")
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    for keys in (
        {"host_key": sftp.host_key},
        {"host_key": sftp.key.get_fingerprint()},
        {"host_key": (other, sftp.host_key)},
        {"host_key": (), "known_hosts_file": known},
    ):
        assert fetched(replace(sftp_source, **keys)).parts[0].read_bytes() == b"x"


@pytest.mark.parametrize("way", ["key", "fingerprint", "known_hosts"])
def test_a_server_with_another_key_is_refused_before_we_say_who_we_are(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, tmp_path: Path, way: str
) -> None:
    before = asyncssh.generate_private_key("ssh-ed25519")
    line = before.export_public_key().decode().strip()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{sftp.port} {line}\n")
    ways: dict[str, dict[str, Any]] = {
        "key": {"host_key": line},
        "fingerprint": {"host_key": before.get_fingerprint()},
        "known_hosts": {"host_key": (), "known_hosts_file": str(tmp_path / "known_hosts")},
    }
    with pytest.raises(FeedUnavailableError, match=r"shows the host key ssh-ed25519 SHA256:.* not the one"):
        fetched(replace(sftp_source, **ways[way]))
    assert (sftp.logins, sftp.lines) == ([], 1)


def test_a_server_that_changes_its_key_is_refused_from_then_on(
    fetched: Fetch, sftp_source: SftpSource, sftp: Sftp, tmp_path: Path
) -> None:
    put(sftp, "feed.csv", b"x")
    known = sftp.known_hosts(tmp_path / "known_hosts")
    with serving(sftp.folder, OURS) as changed:
        source = replace(sftp_source, host_key=(), known_hosts_file=known)
        assert fetched(source).parts
        text = Path(known).read_text().replace(str(sftp.port), str(changed.port))
        Path(known).write_text(text)
        with pytest.raises(
            FeedUnavailableError, match="Someone may stand in between, or the authority has changed"
        ):
            fetched(replace(source, port=changed.port))
        assert not changed.logins


def test_an_unknown_server_is_not_even_asked(
    fetched: Fetch, sftp_source: SftpSource, sftp: Sftp, tmp_path: Path
) -> None:
    (tmp_path / "known_hosts").write_text(f"other.example {sftp.host_key}\n[127.0.0.1]:1 {sftp.host_key}\n")
    with pytest.raises(FeedUnavailableError, match=r"is not in source\.known_hosts_file"):
        fetched(replace(sftp_source, host_key=(), known_hosts_file=str(tmp_path / "known_hosts")))
    assert sftp.lines == 0


def test_a_server_without_a_key_of_the_known_kind_is_refused(
    fetched: Fetch, sftp_source: SftpSource, sftp: Sftp
) -> None:
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048).export_public_key().decode()
    with pytest.raises(FeedUnavailableError, match="no host key of the kind that is known"):
        fetched(replace(sftp_source, host_key=rsa))
    assert not sftp.logins


@pytest.mark.parametrize("kind", ["ssh-rsa", "ecdsa-sha2-nistp256"])
def test_other_kinds_of_keys_work(fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, kind: str) -> None:
    put(sftp, "feed.csv", b"x")
    with serving(sftp.folder, OURS, asyncssh.generate_private_key(kind)) as other:
        source = replace(sftp_source, port=other.port, host_key=other.host_key)
        assert fetched(source).parts[0].read_bytes() == b"x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "can't be read"),
        (b"\xff", "is no known_hosts file"),
        (b"@cert-authority * " + OURS.export_public_key(), "@cert-authority"),
    ],
    ids=["absent", "not text", "an authority's key"],
)
def test_a_known_hosts_file_that_can_not_be_used_is_told_of(
    fetched: Fetch, sftp_source: SftpSource, tmp_path: Path, text: bytes | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / "known_hosts").write_bytes(text)
    with pytest.raises(SettingsError, match=problem):
        fetched(replace(sftp_source, host_key=(), known_hosts_file=str(tmp_path / "known_hosts")))


@pytest.mark.parametrize(
    "key", ["ssh-ed25519", "ssh-ed25519 !!", "SHA256:short", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA"]
)
def test_a_host_key_that_is_none_is_told_of(fetched: Fetch, sftp_source: SftpSource, key: str) -> None:
    with pytest.raises(SettingsError, match=r"source\.host_key is neither"):
        fetched(replace(sftp_source, host_key=key))


def test_a_kind_of_key_that_is_no_longer_safe_is_told_of(fetched: Fetch, sftp_source: SftpSource) -> None:
    blob = b"\0\0\0\x07ssh-dss" + bytes(8)
    with pytest.raises(SettingsError, match="neither a public key that is safe"):
        fetched(replace(sftp_source, host_key=f"ssh-dss {base64.b64encode(blob).decode()}"))


# --- who we are ---


def test_a_password_from_a_file_lets_us_in(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, tmp_path: Path
) -> None:
    put(sftp, "feed.csv", b"x")
    (tmp_path / "password").write_text(PASSWORD + "\n")
    source = replace(sftp_source, key_file="", password_file=str(tmp_path / "password"))
    assert fetched(source).parts[0].read_bytes() == b"x"
    assert sftp.logins == [f"{USER} password"]


def test_a_key_with_a_password_lets_us_in(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, tmp_path: Path
) -> None:
    put(sftp, "feed.csv", b"x")
    (tmp_path / "passphrase").write_text("open sesame\n")
    locked = replace(sftp_source, key_file=str(tmp_path / "locked"))
    right = replace(locked, key_password_file=str(tmp_path / "passphrase"))
    OURS.write_private_key(locked.key_file, "openssh", passphrase="open sesame", rounds=50)
    assert fetched(right).parts
    OURS.write_private_key(locked.key_file, "pkcs8-pem", passphrase="open sesame")
    assert fetched(right).parts
    (tmp_path / "passphrase").write_text("wrong")
    for source in (locked, right):
        with pytest.raises(SettingsError, match="is no private key that can be read"):
            fetched(source)


@pytest.mark.parametrize("way", ["key", "password", "user"])
def test_who_is_not_let_in_is_told_so_at_once(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, tmp_path: Path, way: str
) -> None:
    put(sftp, "feed.csv")
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(tmp_path / "other"))
    (tmp_path / "password").write_text("hunter2")
    source = {
        "key": replace(sftp_source, key_file=str(tmp_path / "other")),
        "password": replace(sftp_source, key_file="", password_file=str(tmp_path / "password")),
        "user": replace(sftp_source, username="nobody"),
    }[way]
    with pytest.raises(FeedUnavailableError, match=r"does not let (registry|nobody) in") as caught:
        fetched(source)
    assert "hunter2" not in str(caught.value.detail)
    assert sftp.lines == 1


@pytest.mark.parametrize("text", [None, b"no key"])
def test_a_key_file_without_a_key_is_told_of(
    fetched: Fetch, sftp_source: SftpSource, tmp_path: Path, text: bytes | None
) -> None:
    path = tmp_path / "none"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(SettingsError, match=r"source\.key_file"):
        fetched(replace(sftp_source, key_file=str(path)))
