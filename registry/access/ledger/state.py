"""The newest head kept in a file of the sealer's own (`ledger.state_file`), outside the database that it is about.

Whoever has the database can cut the log back to an earlier state, which then looks whole. The file betrays it: before sealing, and when
the log is verified, the head in the file must be the log's. One head proves all that were before it.
"""

import os
import tempfile
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.ledger.errors import LedgerError
from registry.access.ledger.heads import SignedHead, read_kept
from registry.access.tables import access_ledger_head


class KeptHead:
    """The file.

    Args:
        path: of the file; its folder must be there and writable by who seals. "" keeps nothing.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None

    def read(self) -> list[SignedHead]:
        """Return the head that is kept, as a list; empty where none is kept yet.

        Raises:
            LedgerError: the file can't be read, or holds something else.
        """
        if self._path is None:
            return []
        try:
            return read_kept(self._path.read_bytes())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LedgerError(f"ledger.state_file, {self._path}, can't be read: {error.strerror}.") from error

    def check(self, engine: Engine) -> None:
        """Make sure that the log holds the head that is kept.

        Raises:
            LedgerError: it does not: the log was cut back, or another stands in its place. Nothing may be sealed on it.
        """
        for one in self.read():
            head = access_ledger_head.c
            with engine.connect() as connection:
                found = connection.scalar(sa.select(head.signed).where(head.number == one.head.number))
            if found != one.text:
                raise LedgerError(
                    f"Head {one.head.number}, which ledger.state_file keeps ({self._path}), is not in the log: the database was set "
                    "back to an earlier state, or changed. Do not seal on before that is understood: run `registry log verify`. If a backup "
                    "was restored on purpose, keep the file as evidence under another name, and begin a new one."
                )

    def keep(self, signed: SignedHead) -> None:
        """Keep a head in place of the one before, whole or not at all.

        Raises:
            LedgerError: the file can't be written.
        """
        if self._path is None:
            return
        data = msgspec.json.format(msgspec.json.encode({"heads": [signed.told()]}))
        try:
            with tempfile.NamedTemporaryFile(dir=self._path.parent, prefix=".head-", delete=False) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(self._path)
        except OSError as error:
            raise LedgerError(
                f"ledger.state_file, {self._path}, can't be written: {error.strerror}."
            ) from error
