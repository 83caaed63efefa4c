"""A real SFTP server (asyncssh) on this machine, over a folder, that can break off, stall and change files on the way."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

USER, PASSWORD = "registry", "s3cret"
OURS = asyncssh.generate_private_key("ssh-ed25519")
OLD = 1_700_000_000


@dataclass
class Sftp:
    """The running server.

    Attributes:
        folder: what it serves as its root.
        key: its host key.
        reads: sizes and places of all reads so far.
        on_read: called before each read with its place; may raise or drop the line.
        logins: names and ways of all who were let in or tried.
        connections: everyone who called.
    """

    folder: Path
    key: asyncssh.SSHKey
    port: int = 0
    reads: list[int] = field(default_factory=list)
    on_read: Callable[[int], None] = lambda _place: None
    logins: list[str] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    opened: list[Any] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How often someone called."""
        return len(self.connections)

    def drop(self) -> None:
        """Break off."""
        self.connections[-1].abort()

    @property
    def host_key(self) -> str:
        return self.key.export_public_key().decode().strip()

    def known_hosts(self, path: Path) -> str:
        path.write_text(f"[127.0.0.1]:{self.port} {self.host_key}\n")
        return str(path)


@contextmanager
def serving(
    folder: Path, client_key: asyncssh.SSHKey | None = None, key: asyncssh.SSHKey | None = None, port: int = 0
) -> Iterator[Sftp]:
    """Serve a folder on a free port of this machine."""
    state = Sftp(folder, key or asyncssh.generate_private_key("ssh-ed25519"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the work gives
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    server = run(_listen(state, client_key, port))
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        run(_close(server))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        for file in state.opened:
            file.close()  # who hung up did not


async def _listen(state: Sftp, client_key: asyncssh.SSHKey | None, port: int) -> asyncssh.SSHAcceptor:
    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            state.connections.append(conn)

        def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - everyone must log in
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            state.logins.append(f"{username} password")
            return (username, password) == (USER, PASSWORD)

        def public_key_auth_supported(self) -> bool:
            return client_key is not None

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            state.logins.append(f"{username} key")
            return bool(client_key and username == USER and key.public_data == client_key.public_data)

    class Files(asyncssh.SFTPServer):
        def __init__(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
            super().__init__(chan, chroot=os.fsencode(state.folder))

        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
            state.opened.append(super().open(path, pflags, attrs))
            return state.opened[-1]

        def read(self, file_obj: object, offset: int, size: int) -> bytes:
            state.reads.append(offset)
            state.on_read(offset)
            data = super().read(file_obj, offset, size)
            assert isinstance(data, bytes)
            return data

    return await asyncssh.listen(
        "127.0.0.1", port, server_factory=Server, sftp_factory=Files, server_host_keys=[state.key]
    )


async def _close(server: asyncssh.SSHAcceptor) -> None:
    server.close()
    await server.wait_closed()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
        with suppress(asyncio.CancelledError, asyncssh.Error, OSError):
            await task


def at(place: int, what: Callable[[], object], times: int = 1) -> Callable[[int], None]:
    """Do something when a read reaches this place, so many times."""
    left = [times]

    def on_read(offset: int) -> None:
        if offset >= place and left[0]:
            left[0] -= 1
            what()

    return on_read


def stall(seconds: float) -> Callable[[int], None]:
    """Wait before each read."""
    return lambda _offset: time.sleep(seconds)


def put(server: Sftp, name: str, data: bytes = b"x", changed: float = OLD) -> Path:
    """Put a file where `/out` is."""
    path = server.folder / "out" / name
    path.write_bytes(data)
    os.utime(path, (changed, changed))
    return path
