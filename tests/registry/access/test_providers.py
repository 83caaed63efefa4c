"""Tables of providers, and the single provider of before as one or two of them."""

from pathlib import Path

import pytest

from registry.access.providers import Providers
from registry.errors import SettingsError
from registry.settings import Settings, load_settings
from registry.settings_access import speaks_for
from tests.registry.access.bound import settings_of
from tests.registry.access.own_issuer import table

A, B = "https://a.example", "https://b.example"


def _single(tokens: str, login: str, **environ: str) -> Settings:
    return load_settings(
        {
            "REGISTRY_TOKENS__ISSUER": tokens,
            "REGISTRY_LOGIN__ISSUER": login,
            "REGISTRY_LOGIN__CLIENT_ID": "pages",
            **environ,
        }
    )


@pytest.mark.parametrize(
    ("tokens", "login", "named"),
    [
        ("", "", []),
        (A, "", [("default", A, False, True)]),
        ("", A, [("default", A, True, False)]),
        (A, A, [("default", A, True, True)]),
        (A, B, [("default", B, True, False), ("default-tokens", A, False, True)]),
    ],
)
def test_the_single_provider_is_the_default_one(
    tokens: str, login: str, named: list[tuple[str, str, bool, bool]]
) -> None:
    found = list(Providers(_single(tokens, login)))
    assert [(one.name, one.issuer, one.settings.login, one.settings.tokens) for one in found] == named


def test_claims_that_differ_between_logins_and_tokens_stay_different() -> None:
    providers = Providers(_single(A, A, REGISTRY_TOKENS__ROLES_CLAIM="groups"))
    (for_tokens,), (for_login,) = providers.for_tokens(), providers.for_login()
    assert (for_tokens.settings.roles_claim, for_login.settings.roles_claim) == ("groups", "roles")


def test_a_table_leaves_to_the_section_what_it_does_not_say(tmp_path: Path) -> None:
    tables = table("one", A, audience="urn:one", algorithms=["ES256"]) + table(
        "two", B, login=True, tokens=False
    )
    settings = settings_of(tmp_path, tables)
    providers = Providers(settings)
    one, two = providers
    assert (one.settings.audience, one.settings.algorithms) == ("urn:one", ("ES256",))
    assert (two.settings.audience, two.settings.algorithms) == (
        settings.tokens.audience,
        settings.tokens.algorithms,
    )
    assert (providers.for_tokens(), providers.for_login()) == ((one,), (two,))
    assert providers.named("two") is two
    assert providers.named("three") is None


def test_an_issuer_is_compared_character_by_character(tmp_path: Path) -> None:
    providers = Providers(settings_of(tmp_path, table("one", A)))
    found = providers.of_issuer(A)
    assert found is not None
    assert found.name == "one"
    for other in (f"{A}/", A.upper(), "", None, [A], B):
        assert providers.of_issuer(other) is None


def test_secrets_of_providers_may_stand_in_files_and_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("throw-away\n")
    settings = settings_of(tmp_path, table("one", A, client_secret=f"file:{tmp_path / 'secret'}"))
    assert settings.providers["one"].client_secret.reveal() == "throw-away"
    assert "throw-away" not in repr(settings)


def test_settings_name_no_sole_trader(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"providers\.one\.organisations names a sole trader"):
        settings_of(tmp_path, table("one", A, organisations=["9001019818"]))


@pytest.mark.parametrize(
    ("organisation", "told"),
    [("9001019818", "sole trader"), ("19900101-9818", "sole trader"), ("212000-0142", "write 2120000142")],
)
def test_quotas_name_organisations_as_callers_are_kept(organisation: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=told):
        settings_of(tmp_path, f'[checks.quotas_of."{organisation}"]\nchecks_per_day = 5\n')


@pytest.mark.parametrize(
    ("organisations", "organisation", "may"),
    [
        ([], "2120000142", True),
        (["2120000142"], "2120000142", True),
        (["2120000142"], "2120000258", False),
        (["2120000142"], "", True),
    ],
)
def test_a_provider_speaks_for_its_organisations(
    organisations: list[str], organisation: str, may: bool, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, table("one", A, organisations=organisations))
    assert speaks_for(settings.providers["one"], organisation) is may
