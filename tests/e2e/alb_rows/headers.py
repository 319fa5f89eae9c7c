"""Rows about headers: what targets learn, and what is between two neighbours only."""

from __future__ import annotations

import re

from tests.e2e.alb_rows.scene import (
    ATTRIBUTES,
    FORWARDED,
    GUIDE,
    RFC9110,
    ROUTING,
    TRACING,
    Row,
    Scene,
    gets,
    request,
    returns,
)

ID = "1-[0-9a-f]{8}-[0-9a-f]{24}"
ROOT = "Root=1-67891233-abcdef012345678912345678"
SELF = "Self=1-67891233-12456789abcdef012345678a"
HOP = f"{RFC9110}#section-7.6.1"
LISTENER_HEADERS = f"{GUIDE}/header-modification.html"
NAMED = "Headers named in Connection"


def traced(what: str, form: str, *fields: str) -> Row:
    """The form of X-Amzn-Trace-Id as the target gets it; an identifier of ours may stand where the form has ``ID``."""
    expression = re.escape(form).replace("ID", ID)

    def run(scene: Scene) -> str:
        (value,) = scene.ask(request("/t", *fields)).seen_values("x-amzn-trace-id")
        return form if re.fullmatch(expression, value) and SELF not in value else value

    return Row(what, TRACING, run, form)


def differs_each_time(scene: Scene) -> int:
    return len({scene.ask(request()).seen_values("x-amzn-trace-id")[0] for _ in range(5)})


def _port(scene: Scene, *hosts: str) -> list[str]:
    return [
        scene.ask(request(host=host)).seen_values("host")[0].replace(str(scene.host.port), "PORT") for host in hosts
    ]


def _forwarded_port(scene: Scene) -> bool:
    return scene.ask(request()).seen_values("x-forwarded-port") == [str(scene.host.port)]


def _client_port(scene: Scene) -> bool:
    (value,) = scene.ask(request()).seen_values("x-forwarded-for")
    return re.fullmatch(r"127\.0\.0\.1:\d+", value) is not None


XFF = "routing.http.xff_header_processing.mode"
PRESERVE = (("routing.http.preserve_host_header.enabled", "true"),)
DROP = (("routing.http.drop_invalid_header_fields.enabled", "true"),)
SOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
ODD = ("+agent: 1", "snake_case: 2", "X-Fine: 3")

ROWS = [
    # Request tracing
    traced("a trace begins where there is none", "Root=ID"),
    traced("a trace goes on, with the load balancer in front", f"Self=ID;{ROOT}", f"X-Amzn-Trace-Id: {ROOT}"),
    traced("fields of applications stay", f"Self=ID;{ROOT};CalledFrom=app", f"X-Amzn-Trace-Id: {ROOT};CalledFrom=app"),
    traced("a former Self is replaced", f"Self=ID;{ROOT}", f"X-Amzn-Trace-Id: {SELF};{ROOT}"),
    traced("a former Self is replaced at the end too", f"Self=ID;{ROOT}", f"X-Amzn-Trace-Id: {ROOT};{SELF}"),
    traced("a Self alone is replaced", "Self=ID", f"X-Amzn-Trace-Id: {SELF}"),
    traced("a former Self is replaced, fields stay", f"Self=ID;{ROOT};A=b", f"X-Amzn-Trace-Id: {SELF};{ROOT};A=b"),
    traced("fields without a trace stay behind a new one", "Root=ID;A=b", "X-Amzn-Trace-Id: A=b"),
    traced("above 7 KB a trace begins anew", "Root=ID", f"X-Amzn-Trace-Id: {ROOT}", f"X-Large: {'a' * 7300}"),
    traced("below 7 KB it goes on", f"Self=ID;{ROOT}", f"X-Amzn-Trace-Id: {ROOT}", f"X-Large: {'a' * 6500}"),
    Row("each request has an identifier of its own", TRACING, differs_each_time, 5),
    # X-Forwarded
    gets("the client's address is told", FORWARDED, request(), "x-forwarded-for", "127.0.0.1"),
    gets(
        "the client's address is added to what there is",
        FORWARDED,
        request("/t", "X-Forwarded-For: 203.0.113.7"),
        "x-forwarded-for",
        "203.0.113.7, 127.0.0.1",
    ),
    gets(
        "an address of IPv6 is kept",
        FORWARDED,
        request("/t", "X-Forwarded-For: 2001:DB8::21f:5bff:febf:ce22:8a2e"),
        "x-forwarded-for",
        "2001:DB8::21f:5bff:febf:ce22:8a2e, 127.0.0.1",
    ),
    gets("the protocol is told", FORWARDED, request(), "x-forwarded-proto", "http"),
    gets(
        "the protocol is told as it is, whatever the client says",
        FORWARDED,
        request("/t", "X-Forwarded-Proto: https"),
        "x-forwarded-proto",
        "http",
    ),
    Row("the port of the listener is told", FORWARDED, _forwarded_port, True),
    gets(
        "preserve keeps what the client says",
        f"{FORWARDED}#x-forwarded-for",
        request("/t", "X-Forwarded-For: 203.0.113.7"),
        "x-forwarded-for",
        "203.0.113.7",
        attributes=((XFF, "preserve"),),
    ),
    gets(
        "preserve adds nothing",
        f"{FORWARDED}#x-forwarded-for",
        request(),
        "x-forwarded-for",
        attributes=((XFF, "preserve"),),
    ),
    gets(
        "remove takes away what the client says",
        f"{FORWARDED}#x-forwarded-for",
        request("/t", "X-Forwarded-For: 203.0.113.7"),
        "x-forwarded-for",
        attributes=((XFF, "remove"),),
    ),
    Row(
        "the client's port is told where the load balancer says so",
        ATTRIBUTES,
        _client_port,
        True,
        (("routing.http.xff_client_port.enabled", "true"),),
    ),
    # Host
    Row(
        "a port that is no default one is added to Host",
        ATTRIBUTES,
        lambda s: _port(s, "h.example.com"),
        ["h.example.com:PORT"],
    ),
    Row("a port in Host stays", ATTRIBUTES, lambda s: _port(s, "h.example.com:99"), ["h.example.com:99"]),
    Row(
        "Host is in lower case", f"{RFC9110}#section-4.2.3", lambda s: _port(s, "H.Example.COM"), ["h.example.com:PORT"]
    ),
    Row(
        "Host is in lower case with a port too",
        f"{RFC9110}#section-4.2.3",
        lambda s: _port(s, "H.Example.COM:99"),
        ["h.example.com:99"],
    ),
    Row(
        "Host stays as it is where it is preserved",
        ATTRIBUTES,
        lambda s: _port(s, "H.Example.com"),
        ["H.Example.com"],
        PRESERVE,
    ),
    Row("its port too", ATTRIBUTES, lambda s: _port(s, "h.example.com:99"), ["h.example.com:99"], PRESERVE),
    # Names that are none
    gets("odd header names pass", ATTRIBUTES, request("/t", *ODD), "+agent", "1"),
    gets("underscores in header names pass", ATTRIBUTES, request("/t", *ODD), "snake_case", "2"),
    gets("odd header names are dropped where it says so", ATTRIBUTES, request("/t", *ODD), "+agent", attributes=DROP),
    gets("so are underscores", ATTRIBUTES, request("/t", *ODD), "snake_case", attributes=DROP),
    gets("other names are not", ATTRIBUTES, request("/t", *ODD), "x-fine", "3", attributes=DROP),
    # Hop by hop
    *[
        gets(f"{name} of a request ends here", HOP, request("/t", f"{name}: {value}", "Connection: keep-alive"), name)
        for name, value in (
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "keep-alive"),
            ("TE", "trailers"),
            ("Trailer", "X-End"),
            ("Upgrade", "h2c"),
            ("Proxy-Authorization", "Basic bm9ib2R5"),
            ("Proxy-Authenticate", "Basic"),
        )
    ],
    gets(
        "Connection of a request ends here",
        HOP,
        request("/t", "Connection: keep-alive, X-Own", "X-Own: 1"),
        "connection",
    ),
    gets(
        "an upgrade that is no WebSocket ends here",
        ROUTING,
        request("/t", "Connection: Upgrade", "Upgrade: h2c"),
        "connection",
    ),
    gets(
        "an upgrade to WebSocket passes",
        ROUTING,
        request("/t", *SOCKET),
        "upgrade",
        "websocket",
    ),
    gets(
        "what Connection names ends here",
        HOP,
        request("/t", "Connection: X-Own", "X-Own: 1"),
        "x-own",
        differs=NAMED,
        instead=["1"],
    ),
    *[
        returns(f"{name} of an answer ends here", HOP, request("/t", "X-Answer: hop-by-hop"), name)
        for name in ("Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Upgrade", "Connection", "TE")
    ],
    returns(
        "what Connection of an answer names ends here",
        HOP,
        request("/t", "X-Answer: hop-by-hop"),
        "x-own",
        differs=NAMED,
        instead=["1"],
    ),
    returns("all else of an answer passes", HOP, request("/t", "X-Answer: hop-by-hop"), "x-kept", "1"),
    returns(
        "a target's own Server passes", LISTENER_HEADERS, request("/t", "X-Answer: own-server"), "server", "mine/1"
    ),
    returns(
        "the load balancer's own answers say whose they are",
        LISTENER_HEADERS,
        request("/nowhere"),
        "server",
        "awselb/2.0",
    ),
    # Expect
    gets("Expect ends here", ROUTING, request("/t", "Expect: 100-continue", method="POST", body=b"ab"), "expect"),
]
