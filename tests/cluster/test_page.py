"""docs/cluster.md: what it tells to run is run by the tests of this folder, and names what there is."""

import json
import re
from pathlib import Path

import pytest

from registry.settings import CONFIG, load_settings
from tests.cluster import documented
from tests.support.world import KEYS

_USED = re.compile(r'(?:\.run|block|documented\.run)\(\s*"([^"]+)"')
_ROLES = sorted((CONFIG / "search" / "security").glob("*.json"))


def test_every_block_that_claims_to_be_tested_is_run_by_a_test() -> None:
    used = {
        name for path in Path(__file__).parent.glob("*.py") for name in _USED.findall(path.read_text("utf-8"))
    }
    assert set(documented.names()) <= used
    assert len(documented.names()) >= 10


def test_the_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    text = documented.block("settings", {"/etc/registry/": f"{tmp_path}/"})
    (tmp_path / "registry-service.password").write_text("secret\n")
    (tmp_path / "registry.toml").write_text(text)
    settings = load_settings(
        {**KEYS, "REGISTRY_SERVICE__SANDBOX": "true", "REGISTRY_CONFIG_FILE": str(tmp_path / "registry.toml")}
    )
    found = settings.search.opensearch
    assert (settings.search.engine, len(found.urls)) == ("opensearch", 3)
    # As the tests of this folder have it.
    assert (found.replicas, found.retries) == (2, 2)
    assert found.password.reveal() == "secret"


@pytest.mark.parametrize("role", _ROLES, ids=lambda path: path.stem)
def test_a_role_is_about_the_registrys_indices_and_nothing_by_wildcard(role: Path) -> None:
    told = json.loads(role.read_text("utf-8"))
    (indices,) = told["index_permissions"]
    assert indices["index_patterns"] == ["registry-licences", "registry-licences-*"]
    actions = told["cluster_permissions"] + indices["allowed_actions"]
    # A star only after a whole name, for what the action is called on single shards.
    assert all(re.fullmatch(r"(indices|cluster):[a-z_]+(/[a-z_]+)+\*?", action) for action in actions)
