from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.feeds import load_feeds
from indexer.feeds.sources import FhirBulkSource, HttpSource, SocrataSource
from indexer.sandbox.errors import SandboxError
from indexer.sandbox.feedfiles import PLAYED, write_feed_files
from registry.settings import CONFIG

BASE = "http://127.0.0.1:9100"
REAL = CONFIG / "feeds"


def test_every_feed_is_the_operators_own_but_for_where_it_is(tmp_path: Path) -> None:
    written = write_feed_files(tmp_path / "feeds", f"{BASE}/")
    assert [path.name for path in written] == sorted(f"{name}.toml" for name in PLAYED)
    ours, real = load_feeds(tmp_path / "feeds"), load_feeds(REAL)
    assert ours.keys() == PLAYED <= real.keys()
    for name, feed in ours.items():
        assert replace(feed, source=real[name].source) == real[name]
        assert isinstance(feed.source, HttpSource | SocrataSource | FhirBulkSource)
        assert feed.source.url.startswith(f"{BASE}/")


def test_the_transport_stays_where_it_is_one_over_the_network(tmp_path: Path) -> None:
    write_feed_files(tmp_path, BASE)
    ours, real = load_feeds(tmp_path), load_feeds(REAL)
    for name in ("washington", "nppes-fhir"):
        source = real[name].source
        assert isinstance(source, SocrataSource | FhirBulkSource)
        ours_source = ours[name].source
        assert isinstance(ours_source, type(source))
        assert replace(ours_source, url=source.url) == source
    assert ours["hosp"].source == HttpSource(url=f"{BASE}/hosp/personer.xml")


def test_a_feed_over_csv_points_at_the_csv_export(tmp_path: Path) -> None:
    text = (REAL / "washington.toml").read_text("utf-8")
    csv = text.replace('transport = "socrata"\nurl = ', 'transport = "http"\nurl = ').replace(
        'export = "json"', 'export = "csv"'
    )
    lines = [
        line for line in csv.splitlines() if not line.startswith(("page_size", "check_count", "app_token"))
    ]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "washington.toml").write_text("\n".join(lines) + "\n", "utf-8")
    write_feed_files(tmp_path / "out", BASE, tmp_path / "in")
    source = load_feeds(tmp_path / "out")["washington"].source
    assert isinstance(source, HttpSource)
    assert source.url == f"{BASE}/api/views/qxh8-f4bd/rows.csv"


def test_tokens_for_the_real_source_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    text = (REAL / "nppes-fhir.toml").read_text("utf-8")
    (tmp_path / "in" / "f.toml").write_text(
        text.replace('token_file = ""', 'token_file = "/secret"'), "utf-8"
    )
    (path,) = write_feed_files(tmp_path / "out", BASE, tmp_path / "in")
    assert "/secret" not in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("find", "put", "says"),
    [
        ("[source]\n", "[ source ]\n", "no \\[source\\] section"),
        ('transport = "fhir-bulk"', 'transport = "http"', "nothing for the feed"),
    ],
)
def test_a_file_that_the_sandbox_cannot_stand_in_for_is_refused(
    tmp_path: Path, find: str, put: str, says: str
) -> None:
    (tmp_path / "in").mkdir()
    text = (REAL / "nppes-fhir.toml").read_text("utf-8").replace(find, put)
    if "http" in put:
        text = "\n".join(
            line for line in text.splitlines() if not line.startswith(("poll_s", "max_wait", "accept"))
        )
    (tmp_path / "in" / "f.toml").write_text(text, "utf-8")
    with pytest.raises(SandboxError, match=says):
        write_feed_files(tmp_path / "out", BASE, tmp_path / "in")
