from pathlib import Path

import pytest

from indexer.feeds import feeds_directory, load_feed, load_feeds
from indexer.feeds.options import FhirOptions, HospOptions, SocrataOptions
from indexer.feeds.sources import FhirBulkSource, FileSource, SocrataSource
from registry.errors import SettingsError
from registry.settings import CONFIG

SHIPPED = CONFIG / "feeds"


def changed(folder: Path, old: str, new: str, name: str = "washington") -> Path:
    """Write a shipped feed file with one piece of text replaced."""
    text = (SHIPPED / f"{name}.toml").read_text("utf-8")
    assert old in text
    path = folder / f"{name}.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path


def test_the_shipped_feeds_are_of_three_formats_and_transports() -> None:
    feeds = load_feeds(SHIPPED)
    assert {"hosp", "washington", "nppes-fhir"} <= set(feeds)
    assert isinstance(feeds["hosp"].options, HospOptions)
    assert isinstance(feeds["washington"].options, SocrataOptions)
    assert isinstance(feeds["nppes-fhir"].options, FhirOptions)
    assert isinstance(feeds["hosp"].source, FileSource)
    assert isinstance(feeds["nppes-fhir"].source, FhirBulkSource)


def test_washington_points_at_the_real_data_set() -> None:
    feed = load_feed(SHIPPED / "washington.toml")
    assert feed.source == SocrataSource(url="https://data.wa.gov/resource/qxh8-f4bd.json", page_size=50_000)
    assert isinstance(feed.options, SocrataOptions)
    assert feed.options.columns.number == "credentialnumber"
    assert (feed.completeness, feed.mode) == ("full_history", "snapshot")


@pytest.mark.parametrize("name", ["hosp", "washington", "nppes-fhir", "colorado", "connecticut", "illinois"])
def test_silence_is_told_in_both_languages_and_never_as_a_no(name: str) -> None:
    feed = load_feed(SHIPPED / f"{name}.toml")
    assert "not found" in feed.silence_en.lower()
    assert "inte hittas" in feed.silence_sv
    assert "\n" not in feed.silence_sv.strip()
    assert len(feed.silence_sv) < 700


def test_another_folder_can_be_named_in_the_environment(tmp_path: Path) -> None:
    assert feeds_directory({"REGISTRY_FEEDS_DIR": str(tmp_path)}) == tmp_path
    assert feeds_directory({}) == SHIPPED


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "washington"', 'id = "Washington State"', ["id is 'Washington State'", "lower-case"]),
        ('id = "washington-doh"', 'id = ""', ["authority.id"]),
        ('mode = "snapshot"', 'mode = "hourly"', ["mode", "hourly"]),
        ('mode = "snapshot"', "", ["mode"]),
        ("max_age_hours = 48", "max_age_hours = 0", ["max_age_hours is 0", "at least 1"]),
        ("max_age_hours = 48", 'max_age_hours = "two days"', ["max_age_hours"]),
        ('name_sv = "Washington State: ', 'nmae_sv = "Washington State: ', ["nmae_sv"]),
        ('transport = "socrata"', 'transport = "pigeon"', ["source", "pigeon"]),
        ("page_size = 50000", "page_size = 50001", ["source.page_size is 50001", "1 to 50000"]),
        ("page_size = 50000", "page_size = 0", ["source.page_size"]),
        ("max_retry_after_s = 300.0", "max_retry_after_s = -1.0", ["source.max_retry_after_s"]),
        ("https://data.wa.gov/resource", "http://data.wa.gov/resource", ["source.url", "https"]),
        ('url = "https://data.wa.gov/resource/qxh8-f4bd.json"', 'url = "data.wa.gov"', ["source.url"]),
        ('vocabulary = "washington"', 'vocabulary = ""', ["options.vocabulary is empty"]),
        ('export = "json"', 'export = "xls"', ["options.export", "xls"]),
        ('key = ["credentialnumber"]', "key = []", ["options.key is empty"]),
        ('status = "status"', "", ["options.columns", "status"]),
        ("[options]", "[options]\ncolour = 1", ["options", "colour"]),
        ('id = "washington"', "id =", ["not valid TOML"]),
    ],
)
def test_a_wrong_key_is_named_with_its_file_and_the_fix(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    path = changed(tmp_path, old, new)
    with pytest.raises(SettingsError) as caught:
        load_feed(path)
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("hosp", 'person_element = "hospPerson"', 'person_element = ""', "options.person_element is empty"),
        ("hosp", 'path = "var/feeds/hosp/*.xml"', 'path = ""', "source.path is empty"),
        ("hosp", 'silence_en = """', 'silence_en = ""\nsilence = """', "silence"),
        (
            "nppes-fhir",
            'status_from = "none"',
            'status_from = "extension"',
            "options.status_extension is empty",
        ),
        ("nppes-fhir", "poll_s = 10.0", "poll_s = -1.0", "source.poll_s"),
    ],
)
def test_each_format_and_transport_checks_its_own_keys(
    tmp_path: Path, name: str, old: str, new: str, words: str
) -> None:
    with pytest.raises(SettingsError, match=words.replace(".", r"\.")):
        load_feed(changed(tmp_path, old, new, name))


def test_an_empty_silence_is_refused(tmp_path: Path) -> None:
    text = (SHIPPED / "hosp.toml").read_text("utf-8")
    start, end = text.index("silence_en"), text.index("[authority]")
    (tmp_path / "hosp.toml").write_text(text[:start] + 'silence_en = " "\n' + text[end:])
    with pytest.raises(SettingsError, match="silence_en is empty"):
        load_feed(tmp_path / "hosp.toml")


def test_plain_http_is_allowed_on_this_machine_only(tmp_path: Path) -> None:
    path = changed(tmp_path, "https://data.wa.gov/resource", "http://127.0.0.1:8101/resource")
    assert load_feed(path).source == SocrataSource(url="http://127.0.0.1:8101/resource/qxh8-f4bd.json")


def test_two_files_may_not_share_an_id(tmp_path: Path) -> None:
    changed(tmp_path, 'id = "hosp"', 'id = "washington"', "hosp")
    changed(tmp_path, 'id = "washington"', 'id = "washington"')
    with pytest.raises(SettingsError, match="another file too"):
        load_feeds(tmp_path)


def test_two_feeds_must_describe_one_authority_alike(tmp_path: Path) -> None:
    changed(tmp_path, 'id = "socialstyrelsen"', 'id = "washington-doh"', "hosp")
    changed(tmp_path, 'id = "washington"', 'id = "washington"')
    with pytest.raises(SettingsError, match="described otherwise by the feed hosp"):
        load_feeds(tmp_path)


def test_an_empty_folder_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no feed file"):
        load_feeds(tmp_path)


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        load_feed(tmp_path / "absent.toml")
