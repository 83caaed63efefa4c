"""What kind of browser a login came from: coarse, and nothing of the header itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.access.browsers import browser_of

KNOWN = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox, Windows",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Safari/537.36 Edg/138.0": "Edge, Windows",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36": "Chrome, Linux",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Mobile Safari/537.36": "Chrome, Android",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15": "Safari, macOS",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": "Safari, iPhone",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Safari/537.36": "Chrome, ChromeOS",
    "python-httpx/0.28": "",
    "": "",
}


@pytest.mark.parametrize("header", KNOWN)
def test_common_browsers_are_known(header: str) -> None:
    assert browser_of(header) == KNOWN[header]


@given(st.text())
def test_nothing_of_what_somebody_writes_there_is_kept(header: str) -> None:
    words = {"Edge", "Opera", "Samsung Internet", "Firefox", "Chrome", "Safari"}
    systems = {"Android", "iPhone", "iPad", "Windows", "ChromeOS", "macOS", "Linux"}
    assert set(browser_of(header).split(", ")) <= words | systems | {""}
