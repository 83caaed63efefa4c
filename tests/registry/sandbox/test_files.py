from pathlib import Path

import pytest

from registry.errors import SettingsError
from registry.sandbox.files import load_provider

GOOD = """{"users": [{"subject": "a", "name": "Ada Prov", "roles": ["staff"]}],
 "clients": [{"client_id": "registry", "secret": "made-by-the-demo", "redirect_uris": ["http://127.0.0.1:1/cb"]}]}"""


def test_users_and_clients_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "provider.json"
    path.write_text(GOOD)
    config = load_provider(path, "http://127.0.0.1:9000", "urn:registry:api")
    assert (config.issuer, config.audience) == ("http://127.0.0.1:9000", "urn:registry:api")
    assert config.users[0].roles == ("staff",)
    assert config.clients[0].secret.reveal() == "made-by-the-demo"
    assert "made-by-the-demo" not in repr(config)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "[]",
        '{"users": []}',
        GOOD.replace("subject", "sub"),
        GOOD.replace('"made-by-the-demo"', "7"),
    ],
)
def test_a_file_that_does_not_fit_stops_the_start_and_is_named(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "provider.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=r"provider\.json"):
        load_provider(path, "http://127.0.0.1:9000", "urn:registry:api")
