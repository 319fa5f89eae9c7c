"""From where a request may come."""

from __future__ import annotations

import pytest
from monitor.access.origin import is_navigation, is_same_origin, is_through_worker, opener_policy


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


@pytest.mark.parametrize(
    ("headers", "through"),
    [
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, False),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "empty"}, True),
        ({"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, False),
        ({"sec-fetch-dest": "document", "service-worker-navigation-preload": "true"}, True),
        ({"service-worker-navigation-preload": ""}, True),
        ({}, False),
    ],
)
def test_a_service_worker_is_known_by_what_it_asks_for(headers: dict[str, str], through: bool) -> None:
    assert is_through_worker(headers) is through


@pytest.mark.parametrize(
    ("agent", "policy"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36", "noopener-allow-popups"),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0", "noopener-allow-popups"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36", "same-origin"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/18.4 Safari/605.1.15", "noopener-allow-popups"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/18.3 Safari/605.1.15", "same-origin"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "same-origin"),
        ("curl/8.14.1", "same-origin"),
        ("", "same-origin"),
    ],
)
def test_a_browser_is_told_the_strictest_policy_that_it_knows(agent: str, policy: str) -> None:
    assert opener_policy(agent) == policy
