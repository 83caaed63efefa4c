"""A test server as a context manager: started on entering, closed on leaving and when the start fails."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Started(ABC):
    """What the servers for tests have in common."""

    @abstractmethod
    def start(self) -> None:
        """Start the server."""

    @abstractmethod
    def close(self) -> None:
        """End it and remove what it left."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
