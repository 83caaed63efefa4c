"""How much the service is asked."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much the service is asked.

    Attributes:
        requests: asked one after the other, of each kind.
        seconds: how long a run of several clients may take.
        clients: how many ask at once.
    """

    requests: int = 400
    seconds: float = 10.0
    clients: int = 8

    @classmethod
    def from_environment(cls) -> "Limits":
        """Read REGISTRY_BENCH_REQUESTS and REGISTRY_BENCH_SECONDS."""
        return cls(
            requests=int(os.environ.get("REGISTRY_BENCH_REQUESTS", cls.requests)),
            seconds=float(os.environ.get("REGISTRY_BENCH_SECONDS", cls.seconds)),
        )
