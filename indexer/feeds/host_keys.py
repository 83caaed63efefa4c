"""The keys that an SFTP server may show. An unknown one is never accepted, at first sight neither."""

import re
from pathlib import Path

import asyncssh

from indexer.feeds.errors import FeedUnavailableError
from indexer.feeds.patterns import as_patterns
from indexer.feeds.sources import SftpSource
from registry.errors import SettingsError

_SSH_PORT = 22
_FINGERPRINT = re.compile(r"(SHA256:[A-Za-z0-9+/]{43})=?\Z")
# Signatures by kind of key. RSA keys sign with SHA-2 only, never with SHA-1 ("ssh-rsa"); DSA keys not at all.
_SIGNATURES = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}


class HostKeys:
    """The keys that the feed file and its known_hosts file name for the server.

    Raises:
        SettingsError: a key or the file can't be read.
        FeedUnavailableError: they name none for this server.
    """

    def __init__(self, source: SftpSource) -> None:
        self._source = source
        self._known: set[str] = set()
        self._revoked: set[str] = set()
        self._kinds: set[str] = set()
        for text in as_patterns(source.host_key):
            self._add_line(text)
        if source.known_hosts_file:
            self._add_file(source.known_hosts_file)
        if not self._known:
            raise FeedUnavailableError(
                f"{source.host} port {source.port} is not in source.known_hosts_file {source.known_hosts_file}, and an "
                "unknown server is not asked. Get its host key from the authority, by another way than the network, and "
                "add it."
            )

    @property
    def signatures(self) -> tuple[str, ...]:
        """The kinds of signature by which the server may prove one of the keys."""
        kinds = _SIGNATURES if "" in self._kinds else sorted(self._kinds)
        return tuple(name for kind in kinds for name in _SIGNATURES[kind])

    def check(self, shown: asyncssh.SSHKey) -> None:
        """Refuse a server that shows another key than a known one.

        Raises:
            FeedUnavailableError: it does.
        """
        seen = shown.get_fingerprint()
        if seen not in self._known or seen in self._revoked:
            raise FeedUnavailableError(
                f"{self._source.host} shows the host key {shown.get_algorithm()} {seen}, which is not the one that is "
                "known. Someone may stand in between, or the authority has changed its key: ask it, by another way than "
                "the network, before you change source.host_key or source.known_hosts_file. Nothing was sent."
            )

    def _add(self, key: asyncssh.SSHKey) -> None:
        kind = key.get_algorithm()
        if kind not in _SIGNATURES:
            raise SettingsError(
                f"The host key of {self._source.host} that is known is of a kind that is not safe or not read ({kind}). Ask "
                "the authority for its ed25519, ECDSA or RSA key."
            )
        self._known.add(key.get_fingerprint())
        self._kinds.add(kind)

    def _add_line(self, text: str) -> None:
        if found := _FINGERPRINT.match(text):
            self._known.add(found[1])
            self._kinds.add("")
            return
        try:
            key = asyncssh.import_public_key(text)
        except (asyncssh.KeyImportError, ValueError) as error:
            raise SettingsError(
                'source.host_key is neither a public key that is safe ("ssh-ed25519 AAAA...") nor a fingerprint '
                '("SHA256:...").'
            ) from error
        self._add(key)

    def _add_file(self, path: str) -> None:
        try:
            known = asyncssh.import_known_hosts(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no known_hosts file"
            raise SettingsError(f"source.known_hosts_file {path} can't be read: {why}.") from error
        port = None if self._source.port == _SSH_PORT else self._source.port
        keys, authorities, revoked, *_ = known.match(self._source.host, "", port)
        if authorities:
            raise SettingsError(
                f"source.known_hosts_file {path} names an authority (@cert-authority) for {self._source.host}. Certificates "
                "of hosts are not read; name the host's own key."
            )
        for key in keys:
            self._add(key)
        self._revoked = {key.get_fingerprint() for key in revoked}
