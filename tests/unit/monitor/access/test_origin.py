"""From where a request may come."""

from __future__ import annotations

import pytest
from monitor.access.origin import is_navigation, is_same_origin


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("https://alb.example", "alb.example", True),
        ("https://ALB.example", "alb.EXAMPLE", True),
        ("https://alb.example", "alb.example:443", True),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("https://alb.example:8443", "alb.example", False),
        ("https://evil.example", "alb.example", False),
        ("https://alb.example.evil.example", "alb.example", False),
        ("https://alb.example@evil.example", "alb.example", False),
        ("null", "alb.example", False),
        ("", "", False),
        ("https://", "", False),
        ("https://alb.example:x", "alb.example", False),
        ("file://alb.example", "alb.example", False),
    ],
)
def test_a_form_is_the_monitors_own_where_its_origin_is_the_host_that_was_asked(
    origin: str, host: str, same: bool
) -> None:
    assert is_same_origin({"origin": origin, "host": host}) is same


@pytest.mark.parametrize(
    ("site", "same"), [("same-origin", True), ("same-site", False), ("cross-site", False), ("none", False)]
)
def test_what_the_browser_says_of_the_site_counts_too(site: str, same: bool) -> None:
    headers = {"sec-fetch-site": site, "origin": "https://alb.example", "host": "alb.example"}
    assert is_same_origin(headers) is same
    assert is_same_origin({"sec-fetch-site": site, "host": "alb.example"}) is same


def test_a_form_of_which_nobody_says_where_it_comes_from_is_not_the_monitors_own() -> None:
    assert not is_same_origin({"host": "alb.example"})


@pytest.mark.parametrize(
    ("destination", "goes"), [("document", True), (None, True), ("empty", False), ("iframe", False)]
)
def test_a_person_goes_to_a_page_and_a_script_fetches_it(destination: str | None, goes: bool) -> None:
    assert is_navigation({"sec-fetch-dest": destination} if destination else {}) is goes
