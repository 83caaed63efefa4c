"""Files on an SFTP server whose host key is pinned.

Nothing of whoever runs the process is used: no agent, no keys and no configuration of a home folder.
"""

import asyncio
import stat
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar, cast

import asyncssh

from indexer.feeds.credentials import read_token
from indexer.feeds.errors import FeedUnavailableError
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.host_keys import HostKeys
from indexer.feeds.patterns import as_patterns, matches
from indexer.feeds.picking import Candidate
from indexer.feeds.sources import SftpSource
from indexer.feeds.taking import Shelf, take
from indexer.feeds.transfer import ChangedUnderUsError, Deadline, attempts, carry
from indexer.feeds.unpack import Inflow
from registry.errors import SettingsError
from registry.settings import Indexer

# What breaks off may be tried again; what the server refuses may not.
_PASSING = (OSError, asyncssh.Error)
_FINAL = (
    asyncssh.PermissionDenied,
    asyncssh.KeyExchangeFailed,
    asyncssh.SFTPNoSuchFile,
    asyncssh.SFTPNoSuchPath,
    asyncssh.SFTPPermissionDenied,
)
# So much is asked for at once, in many requests; it has to come within indexer.read_timeout_s.
_PIECE = 2 << 20
_CIPHERS = (
    *("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com"),
    *("aes256-ctr", "aes192-ctr", "aes128-ctr"),
)
_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
_EXCHANGES = (
    *("mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org"),
    *("ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
    *(
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group16-sha512",
    ),
    "diffie-hellman-group18-sha512",
)
T = TypeVar("T")


class Sftp:
    """One line to the server, opened when it is needed and again after it broke. Use as a context manager."""

    def __init__(self, source: SftpSource, settings: Indexer) -> None:
        self._source = source
        self._settings = settings
        self._keys = HostKeys(source)
        self._key = _private_key(source) if source.key_file else None
        self._password = read_token(source.password_file, "password_file") if source.password_file else None
        self._loop = asyncio.new_event_loop()
        # Requests on their way when a line breaks fail unseen; whoever waited for them is told.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._line: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self.deadline = Deadline(source.max_fetch_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._loop.close()

    @contextmanager
    def client(self) -> Iterator[asyncssh.SFTPClient]:
        """Give the line; it is closed when it fails, so that the next attempt opens another."""
        try:
            self._client = self._client or self.run(self._open(), self._settings.connect_timeout_s)
            yield self._client
        except BaseException:
            self.close()
            raise

    def run(self, work: Coroutine[Any, Any, T], limit: float | None = None) -> T:
        """Do some work within the time that one step may take, and within what is left of the whole."""
        limit = self.deadline.bounded(self._settings.read_timeout_s if limit is None else limit)
        return self._loop.run_until_complete(asyncio.wait_for(work, limit))

    def close(self) -> None:
        """Hang up."""
        line, self._line, self._client = self._line, None, None
        if line:
            line.abort()
            with suppress(*_PASSING):
                self._loop.run_until_complete(asyncio.wait_for(line.wait_closed(), 5))

    def may_try_again(self, error: Exception) -> bool:
        """Tell whether a fault may pass."""
        return isinstance(error, _PASSING) and not isinstance(error, _FINAL) and not self.deadline.passed

    async def _open(self) -> asyncssh.SFTPClient:
        source, keys = self._source, self._keys
        refused: list[FeedUnavailableError] = []

        class Checked(asyncssh.SSHClient):
            def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
                del host, addr, port  # the address that was called, not what a resolver made of it
                try:
                    keys.check(key)
                except FeedUnavailableError as error:
                    refused.append(error)
                return not refused

        try:
            self._line, _ = await asyncssh.create_connection(
                Checked,
                source.host,
                source.port,
                username=source.username,
                password=self._password,
                client_keys=[self._key] if self._key else None,
                preferred_auth="publickey" if self._key else "password",
                agent_path=None,
                config=None,
                # No key is known but by `Checked`; None would mean that any will do.
                known_hosts=b"",
                server_host_key_algs=keys.signatures,
                encryption_algs=_CIPHERS,
                mac_algs=_MACS,
                kex_algs=_EXCHANGES,
                compression_algs=None,
            )
        except asyncssh.HostKeyNotVerifiable:
            if refused:
                raise refused[0] from None
            raise
        return await self._line.start_sftp_client(path_errors="surrogateescape")


def fetch(source: SftpSource, fetching: Fetching) -> Fetched:
    """Take the files that match.

    Raises:
        FeedUnavailableError: the server is unknown or another than it was, refuses us, or has no such file.
        FeedError: see `taking.take`.
    """
    with Sftp(source, fetching.settings) as sftp, _translated(source, sftp, fetching.settings):
        listing: list[Candidate] = []
        for attempt in attempts(fetching.settings, sftp.may_try_again):
            with attempt, sftp.client() as client:
                listing = sftp.run(_listing(client, source))

        def bring(file: Candidate, inflow: Inflow) -> None:
            leg = _Leg(sftp, file)
            carry(leg, inflow, lambda: attempts(fetching.settings, sftp.may_try_again), _PASSING)

        return take(source, fetching, Shelf(files=listing, bring=bring, now=time.time()))


class _Leg:
    """Carries one file, gone on with where a line broke off as long as it is the same file."""

    def __init__(self, sftp: Sftp, file: Candidate) -> None:
        self._sftp = sftp
        self._name = file.name
        self._version = (file.size, int(file.changed))

    def __call__(self, inflow: Inflow) -> None:
        run = self._sftp.run
        with self._sftp.client() as client:
            found = _version(run(client.stat(self._name)))
            if found != self._version or not inflow.size:
                inflow.begin(encoded=False)
                self._version = found
            opened = run(_opened(client, self._name))
            while inflow.size < self._version[0]:
                size = min(_PIECE, self._version[0] - inflow.size)
                data = cast("bytes", run(opened.read(size, inflow.size)))
                if len(data) != size:
                    break  # it has become shorter
                inflow.write(data)
            run(opened.close())
            if _version(run(client.stat(self._name))) != self._version or inflow.size != self._version[0]:
                raise ChangedUnderUsError
        inflow.finish()


async def _opened(client: asyncssh.SFTPClient, name: str) -> asyncssh.SFTPClientFile:
    return await client.open(name, "rb", encoding=None)


def _version(status: asyncssh.SFTPAttrs) -> tuple[int, int]:
    return (status.size or 0, status.mtime or 0)


async def _listing(client: asyncssh.SFTPClient, source: SftpSource) -> list[Candidate]:
    wanted = list(as_patterns(source.path))
    if source.done_suffix:
        wanted += [path + source.done_suffix for path in wanted]
    found = {}
    for folder in {path[: path.rfind("/") + 1] for path in wanted}:
        async for entry in client.scandir(folder or "."):
            last = entry.filename if isinstance(entry.filename, str) else ""
            name, status = folder + last, entry.attrs
            if "/" in last or not matches(name, tuple(wanted)):
                continue
            if stat.S_ISLNK(status.permissions or 0):
                status = await client.stat(name)
            if status.permissions is None or stat.S_ISREG(status.permissions):
                size, changed = _version(status)
                found[name] = Candidate(name, size, float(changed))
    return list(found.values())


def _private_key(source: SftpSource) -> asyncssh.SSHKey:
    password = read_token(source.key_password_file, "key_password_file") if source.key_password_file else None
    try:
        return asyncssh.read_private_key(source.key_file, password)
    except OSError as error:
        raise SettingsError(f"source.key_file {source.key_file} can't be read: {error.strerror}.") from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        # Without its cause, which may carry pieces of the key.
        raise SettingsError(
            f"source.key_file {source.key_file} is no private key that can be read, or source.key_password_file does not "
            "open it."
        ) from None


@contextmanager
def _translated(source: SftpSource, sftp: Sftp, settings: Indexer) -> Iterator[None]:
    """Turn what is left after the last attempt into the feed's own errors."""
    try:
        yield
    except asyncssh.PermissionDenied as error:
        raise FeedUnavailableError(
            f"{source.host} does not let {source.username} in. See source.username, and source.key_file or "
            "source.password_file."
        ) from error
    except asyncssh.KeyExchangeFailed as error:
        raise FeedUnavailableError(
            f"{source.host} has no host key of the kind that is known, or only outdated ciphers. If the authority has "
            "changed its key, ask it, by another way than the network, for the new one."
        ) from error
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied) as error:
        why = (
            "is not for us to read" if isinstance(error, asyncssh.SFTPPermissionDenied) else "does not exist"
        )
        raise FeedUnavailableError(
            f"{' or '.join(as_patterns(source.path))} (source.path) {why} on {source.host}."
        ) from error
    except _PASSING as error:
        if sftp.deadline.passed:
            raise FeedUnavailableError(
                f"{source.host} has not given the feed within {source.max_fetch_s:g} s. If that is how slow it is, raise "
                "source.max_fetch_s."
            ) from error
        raise FeedUnavailableError(
            f"{source.host} can't be reached or broke off ({type(error).__name__}), also after {settings.retries + 1} "
            "attempts. Pull again later."
        ) from error
