import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import SettingsError
from registry.sealing import Sealer, new_key
from registry.settings import Privacy, Secret

DIGEST_KEY, SEALING_KEY = new_key(), new_key()
SEALER = Sealer(Privacy(digest_key=Secret(DIGEST_KEY), sealing_key=Secret(SEALING_KEY)))
NUMBER = "199001012385"


def sealer(digest_key: str = DIGEST_KEY, sealing_key: str = SEALING_KEY) -> Sealer:
    return Sealer(Privacy(digest_key=Secret(digest_key), sealing_key=Secret(sealing_key)))


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_sealed_opens_with_the_same_key_and_context(value: bytes, context: bytes) -> None:
    assert SEALER.open(SEALER.seal(value, context=context), context=context) == value


def test_two_seals_of_one_value_differ_and_do_not_hold_it() -> None:
    one, two = (SEALER.seal(NUMBER.encode(), context=b"identifier") for _ in range(2))
    assert one != two
    assert NUMBER.encode() not in one + two


@pytest.mark.parametrize(
    ("opener", "context"),
    [
        pytest.param(SEALER, b"source-record", id="another kind of value"),
        pytest.param(sealer(sealing_key=new_key()), b"identifier", id="another key"),
    ],
)
def test_a_seal_does_not_open_elsewhere(opener: Sealer, context: bytes) -> None:
    sealed = SEALER.seal(NUMBER.encode(), context=b"identifier")
    with pytest.raises(ValueError, match="does not open") as caught:
        opener.open(sealed, context=context)
    assert NUMBER not in str(caught.value)


@given(st.integers(min_value=0))
def test_a_changed_seal_does_not_open(position: int) -> None:
    sealed = bytearray(SEALER.seal(b"value", context=b"c"))
    sealed[position % len(sealed)] ^= 1
    with pytest.raises(ValueError, match="does not open"):
        SEALER.open(bytes(sealed), context=b"c")


@pytest.mark.parametrize("length", [0, 11, 12, 27])
def test_a_seal_cut_short_is_the_same_error_as_a_changed_one(length: int) -> None:
    sealed = SEALER.seal(b"value", context=b"c")[:length]
    with pytest.raises(ValueError, match="does not open"):
        SEALER.open(sealed, context=b"c")


def test_a_digest_is_the_same_for_the_same_number_and_key_only() -> None:
    assert SEALER.digest(NUMBER) == sealer().digest(NUMBER)
    assert len(SEALER.digest(NUMBER)) == 32
    assert SEALER.digest(NUMBER) != SEALER.digest("199001012386")
    assert SEALER.digest(NUMBER) != sealer(digest_key=new_key()).digest(NUMBER)
    # The sealing key has no part in it: it may be changed without losing anyone.
    assert SEALER.digest(NUMBER) == sealer(sealing_key=new_key()).digest(NUMBER)


def test_a_record_digest_is_keyed_and_of_another_kind_than_a_number_digest() -> None:
    payload = NUMBER.encode()
    assert SEALER.record_digest(payload) == sealer().record_digest(payload)
    assert SEALER.record_digest(payload) != sealer(digest_key=new_key()).record_digest(payload)
    assert SEALER.record_digest(payload) != SEALER.digest(NUMBER)
    assert len(SEALER.record_digest(payload)) == 32


@pytest.mark.parametrize("name", ["digest_key", "sealing_key"])
@pytest.mark.parametrize(
    ("key", "fault"),
    [
        pytest.param("", "is not set. Make keys with `registry keys`", id="missing"),
        pytest.param("!" * 44, "is not base64", id="not base64"),
        pytest.param("å" * 44, "is not base64", id="not ASCII"),
        pytest.param(base64.b64encode(b"k" * 16).decode(), "has 16 bytes, 32 are needed", id="too short"),
        pytest.param(base64.b64encode(b"k" * 33).decode(), "has 33 bytes, 32 are needed", id="too long"),
    ],
)
def test_a_wrong_key_stops_the_start_and_names_the_setting(name: str, key: str, fault: str) -> None:
    keys = {"digest_key": DIGEST_KEY, "sealing_key": SEALING_KEY, name: key}
    with pytest.raises(SettingsError) as caught:
        sealer(**keys)
    assert f"privacy.{name}" in caught.value.detail
    assert fault in caught.value.detail
    assert not key or key not in caught.value.detail


def test_new_keys_are_accepted_and_never_the_same() -> None:
    keys = {new_key() for _ in range(50)}
    assert len(keys) == 50
    assert all(len(base64.b64decode(key)) == 32 for key in keys)
