"""The guard of a listener on loopback: requests that a page of elsewhere made in somebody's browser are refused.

The browser lets a page speak to whatever its name leads to, and its owner can let it lead to 127.0.0.1 ("DNS
rebinding"). What the page cannot hide is the name itself, in Host and Origin, and what the browser says of where the
request comes from, in Sec-Fetch-Site (W3C, "Fetch Metadata Request Headers").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from local_alb.model.world import Rule

from .text import quoted, wildcard_regex

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
# How much of a refused value the answer repeats, and what stands for characters that names have not.
SHOWN = 80
_UNUSUAL = "[^A-Za-z0-9.:/_-]"
_ANY, _ONE = "[^/:@]*", "[^/:@]"


@dataclass(frozen=True)
class Allowed:
    """Whom a guarded listener serves besides loopback's own names.

    ``hosts`` are names as conditions write them, ``*`` and ``?`` for any text and any character; ``origins`` are exact,
    such as ``https://app.example.com``. Host names in conditions of the listener's rules are allowed anyway.
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


def guard_lines(allowed: Allowed, rules: Iterable[Rule]) -> list[str]:
    """Returns what a frontend does first."""
    hosts = sorted({*LOOPBACK, *(host.lower() for host in allowed.hosts), *_named(rules)})
    patterns = [wildcard_regex(host, _ANY, _ONE)[1:-1] for host in hosts]
    origins = [f"^[a-z][a-z0-9+.-]*://({'|'.join(patterns)})(:[0-9]+)?$"]
    origins += [f"^{re.escape(origin)}$" for origin in allowed.origins]
    return [
        *_refusing(
            "host",
            f"req.fhdr(host),host_only -m reg -i -- {_words(f'^{pattern}$' for pattern in patterns)}",
            "is not a name of this listener. Use localhost, or add the name to [security] allowed_hosts",
        ),
        *_refusing(
            "origin",
            f"req.fhdr(origin) -m reg -i -- {_words(origins)}",
            "may not speak to this listener. If you trust its pages, add it to [security] allowed_origins",
            "{ req.hdr(origin) -m found }",
        ),
        _answer(
            "A page of another site made this request (Sec-Fetch-Site: cross-site). Open the address itself, or add "
            "the page's origin to [security] allowed_origins of settings.conf and run setup.sh"
        )
        + " if { req.hdr(sec-fetch-site) -m str -i cross-site } !{ req.hdr(origin) -m found }",
    ]


def _named(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        for condition in rule.conditions:
            if condition["Field"] == "host-header":
                values = [value.lower() for value in condition["HostHeaderConfig"].get("Values", [])]
                # A pattern that every name fulfils tells nothing of whose names they are.
                yield from (value for value in values if re.search("[a-z0-9]", value))


def _refusing(header: str, known: str, reason: str, where: str = "") -> list[str]:
    """Refuses what is not known, and says which value it was."""
    shown = f"req.fhdr({header}),regsub({quoted(_UNUSUAL)},?,g),bytes(0,{SHOWN})"
    words = f"{header.title()} '%[var(txn.refused)]' {reason} of settings.conf and run setup.sh"
    condition = f"if {f'{where} ' if where else ''}!{{ {known} }}"
    return [f"http-request set-var(txn.refused) {shown} {condition}", f"{_answer(words)} {condition}"]


def _answer(text: str) -> str:
    return (
        f"http-request return status 403 content-type text/plain lf-string {quoted(text)} "
        "hdr X-Content-Type-Options nosniff"
    )


def _words(expressions: Iterable[str]) -> str:
    return " ".join(quoted(expression) for expression in expressions)
