"""Requests as bytes, the client's process, and the figures of its answers."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import orjson

from tests.bench.client import Load, Spec
from tests.bench.figures import Figure, percentile, text_of
from tests.bench.limits import Limits
from tests.bench.processes import BenchError, plain_environment

_PATIENCE_S = 120.0
_SLOWEST_S = 60.0


def get(path: str, token: str = "") -> bytes:
    """Return a whole GET request."""
    return _request("GET", path, token)


def post(path: str, body: object, token: str = "") -> bytes:
    """Return a whole POST request with a JSON body."""
    return _request("POST", path, token, orjson.dumps(body))


def _request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Loads:
    """The same requests from one client, and from several at once; `clients` is how many."""

    one: Load
    many: Load
    clients: int


@dataclass(frozen=True)
class Asker:
    """Runs the client in a process of its own."""

    folder: Path
    limits: Limits

    def ask(
        self, port: int, requests: Sequence[bytes], more: Mapping[int, Sequence[bytes]] | None = None
    ) -> Loads:
        """Ask all in turn from one client, then from several until time or requests are up.

        Args:
            more: what follows a request as part of the same question, by its place.

        Raises:
            BenchError: an answer was not 200.
        """
        clients = self.limits.clients
        alone = self._run(port, requests, 1, more or {})
        return Loads(alone, self._run(port, requests, clients, more or {}), clients)

    def _run(
        self, port: int, requests: Sequence[bytes], clients: int, more: Mapping[int, Sequence[bytes]]
    ) -> Load:
        alone = clients == 1
        spec = Spec(
            port=port,
            requests=list(requests),
            connections=clients,
            warm_up=max(clients, len(requests) // 4),
            most=len(requests) if alone else 100 * len(requests),
            seconds=_SLOWEST_S if alone else self.limits.seconds,
            keep=len(requests) if alone else 0,
            more={place: list(rest) for place, rest in more.items()},
        )
        asked, result = self.folder / "asked.json", self.folder / "answered.json"
        asked.write_bytes(msgspec.json.encode(spec))
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.client", str(asked), str(result)],
            env=plain_environment(),
            cwd=self.folder,
            capture_output=True,
            timeout=_PATIENCE_S + _SLOWEST_S,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"The client failed:\n{done.stderr.decode('utf-8', 'replace')[-2000:]}")
        load = msgspec.json.decode(result.read_bytes(), type=Load)
        if set(load.statuses) != {"200"}:
            last = load.bodies[-1][:500].decode("utf-8", "replace") if load.bodies else ""
            raise BenchError(f"Not every answer was 200: {load.statuses}. {last}")
        return load


def figures(group: str, loads: Loads, floors: Loads, floor_what: str, trivial: Loads) -> list[Figure]:
    """Return latencies beside those of the floor, and answers a second beside those of the trivial view."""
    made = []
    several = f"{loads.clients} clients"
    for clients, load, floor in (("one client", loads.one, floors.one), (several, loads.many, floors.many)):
        worst = text_of(percentile(load.latencies_ms, 99))
        note = f"p99 {worst} ms, {len(load.latencies_ms):,} requests"
        made += [
            Figure(
                group=group,
                what=f"p{percent}, {clients}",
                value=percentile(load.latencies_ms, percent),
                unit="ms",
                floor=percentile(floor.latencies_ms, percent),
                floor_what=floor_what,
                note=note,
            )
            for percent in (50, 95)
        ]
    rate = Figure(
        group=group,
        what=several,
        value=loads.many.per_second,
        unit="requests/s",
        floor=trivial.many.per_second,
        floor_what=f"/livez, {several}",
        note=f"connections opened again: {loads.many.reconnects}" if loads.many.reconnects else "",
    )
    return [*made, rate]


def answers(load: Load) -> list[Mapping[str, object]]:
    """Return the kept bodies of a run as JSON."""
    return [orjson.loads(body) for body in load.bodies]
