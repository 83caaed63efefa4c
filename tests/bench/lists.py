"""Staff lists: rows a second of one worker, and an employer's list from the upload to the finished download."""

import csv
import http.client
import io
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import msgspec

from indexer.sandbox.demo import token as take_token
from indexer.sandbox.logins import SYSTEM_CLIENT, write_provider_file
from registry.checks.lists.fields import FIELDS
from tests.bench import index_scale, serving
from tests.bench.houses import House, open_house
from tests.bench.index_jobs import Indexed
from tests.bench.ingest_jobs import Ingested, Read
from tests.bench.lists_jobs import Checked, Drawn
from tests.bench.machine import busy_share
from tests.bench.processes import BenchError, job, running, workspace
from tests.services.workspace import Workspace, free_port

ROWS = {"number": 20_000, "name": 4_000}
STAFF = 1_000
_PATIENCE_S = 300.0
_START_S = 120.0
Say = Callable[[str], None]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One house with one number of licences.

    Attributes:
        checked: by number, and by name and birth date.
        staff_s: seconds from the upload of a list of `STAFF` rows to the end of the download of its results.
    """

    house: str
    asked: int
    licences: int
    versions: dict[str, str]
    checked: list[Checked]
    staff_s: float
    busy_before: float | None


def measure(sizes: Sequence[int], say: Say, houses: Sequence[str]) -> Iterator[Listed]:
    """Measure every size and house, saying each as it comes."""
    with workspace() as space:
        for licences in sizes:
            files = index_scale._registers(licences, space.path / f"registers-{licences}")
            for name in houses:
                folder = space.path / f"lists-{name}-{licences}"
                folder.mkdir()
                port, issuer_port, busy = free_port(), free_port(), busy_share()
                settings = serving.settings_for(port, issuer_port)
                with open_house(name, folder, folder / "feeds", **settings) as house:
                    say(f"\n{name} house, {licences:,} licences: loading them (not measured)")
                    job("ingest-prepare", house.environ, folder, Read)
                    loaded = 0
                    for form, file in files.items():
                        arguments = {"form": form, "path": file.path, "full": False}
                        loaded = job("ingest-pull", house.environ, folder, Ingested, **arguments).licences
                    job("rebuild", house.environ, folder, Indexed)
                    checked = [
                        job("lists", house.environ, folder, Checked, by=by, rows=rows)
                        for by, rows in ROWS.items()
                    ]
                    staff_s = _staff(house, space, port, issuer_port)
                    one = Listed(
                        house=name,
                        asked=licences,
                        licences=loaded,
                        versions=house.versions,
                        checked=checked,
                        staff_s=staff_s,
                        busy_before=busy,
                    )
                say(_line(one))
                yield one
                shutil.rmtree(folder)


def _line(one: Listed) -> str:
    told = ", ".join(
        f"by {each.kind} {each.rows / each.seconds:,.0f} rows/s ({each.rows / each.processor_s:,.0f} a processor second, "
        f"{each.found / each.rows:.0%} found)"
        for each in one.checked
    )
    return f"  {one.house} house, {one.licences:,} licences: {told}; {STAFF:,} rows from upload to download {one.staff_s:.1f} s"


def _staff(house: House, space: Workspace, port: int, issuer_port: int) -> float:
    """Send a list over HTTP, wait until a worker has checked it, and fetch the results."""
    rows = job("lists-draw", house.environ, house.folder, Drawn, rows=STAFF).rows
    base, issuer = house.settings.service.base_url, house.settings.tokens.issuer
    users = house.folder / "provider.json"
    secret = write_provider_file(users, base)[SYSTEM_CLIENT]
    provider = ["registry.cli", "sandbox", "--port", str(issuer_port), "--file", str(users)]
    service = ["registry.cli", "serve", "--bind", f"127.0.0.1:{port}"]
    discovery = f"{issuer}/.well-known/openid-configuration"

    def run(arguments: list[str], name: str, ready: str) -> AbstractContextManager[int]:
        log = house.folder / f"{name}.log"
        return running(arguments, house.environ, space, log, ready=ready, patience_s=_START_S)

    with (
        run(provider, "provider", discovery),
        run(service, "service", f"{base}/livez"),
        # The worker has no address: what answers already is ready.
        run(["registry.cli", "worker"], "worker", f"{base}/livez"),
    ):
        token = take_token(issuer, secret)
        _through(port, token, rows[:10])
        began = time.perf_counter()
        lines = _through(port, token, rows)
        seconds = time.perf_counter() - began
    if lines != STAFF + 1:
        raise BenchError(f"The results have {lines} lines.")
    return seconds


def _through(port: int, token: str, rows: list[list[str]]) -> int:
    """Send, wait, fetch; return the lines of the result file."""
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([FIELDS, *rows])
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    path = "/v1/verification-batches"

    def ask(method: str, url: str, body: bytes | None = None) -> bytes:
        connection.request(method, url, body=body, headers=headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise BenchError(f"{method} {url} gave {answer.status}: {data[:500]!r}")
        return data

    sent = msgspec.json.decode(ask("POST", f"{path}?purpose=employment", text.getvalue().encode()))
    deadline = time.monotonic() + _PATIENCE_S
    while msgspec.json.decode(ask("GET", sent["links"]["self"]))["state"] != "done":
        if time.monotonic() > deadline:
            raise BenchError("The list was not done in time.")
        time.sleep(0.1)
    lines = ask("GET", sent["links"]["csv"]).count(b"\r\n")
    connection.close()
    return lines
