"""Rows about rules: which one a request meets, what it does, and the path that a target gets."""

from __future__ import annotations

from typing import Any

from tests.e2e.alb_rows.scene import (
    ACTIONS,
    CONDITIONS,
    GUIDE,
    TRANSFORMS,
    Row,
    Scene,
    answers,
    gets,
    gets_path,
    request,
)
from tests.e2e.support.local_alb import Document, LocalAlb
from tests.e2e.support.ports import free_port

RULES = f"{GUIDE}/listener-rules.html"
AS_IT_CAME = "https://repost.aws/questions/QU9JMK-tiDSVK06H6oAaIRZg"
LEAVES = "Paths that read as another rule's"


def condition(field: str, config: str, **values: Any) -> Document:
    return {"Field": field, config: values}


def by_path(*patterns: str) -> Document:
    return condition("path-pattern", "PathPatternConfig", Values=list(patterns))


def by_host(*names: str) -> Document:
    return condition("host-header", "HostHeaderConfig", Values=list(names))


def by_method(*names: str) -> Document:
    return condition("http-request-method", "HttpRequestMethodConfig", Values=list(names))


def by_header(name: str, *values: str) -> Document:
    return condition("http-header", "HttpHeaderConfig", HttpHeaderName=name, Values=list(values))


def by_query(*pairs: Document) -> Document:
    return condition("query-string", "QueryStringConfig", Values=list(pairs))


def by_source(*blocks: str) -> Document:
    return condition("source-ip", "SourceIpConfig", Values=list(blocks))


def fixed(body: str, status: str = "200", kind: str = "text/plain") -> Document:
    return {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": status, "ContentType": kind, "MessageBody": body},
    }


def redirect(**config: str) -> Document:
    return {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **config}}


def rewrite(regex: str, replace: str) -> Document:
    return {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": regex, "Replace": replace}]}}


def host_rewrite(regex: str, replace: str) -> Document:
    return {
        "Type": "host-header-rewrite",
        "HostHeaderRewriteConfig": {"Rewrites": [{"Regex": regex, "Replace": replace}]},
    }


# Rules that answer with their own name.
NAMED: dict[str, list[Document]] = {
    "images": [by_path("/img/*")],
    "pictures": [by_path("/pics/*/small")],
    "one": [by_path("/one?x")],
    "exact": [by_path("/exact")],
    "either": [by_path("/either", "/or")],
    "first": [by_path("/both/*")],
    "second": [by_path("/both/x")],
    "regex": [condition("path-pattern", "PathPatternConfig", RegexValues=["^/api/v[0-9]+/"])],
    "host": [by_path("/h"), by_host("example.com")],
    "below": [by_path("/h"), by_host("*.example.com")],
    "single": [by_path("/h"), by_host("te?t.example.org")],
    "method": [by_path("/m"), by_method("PURGE", "GET")],
    "header": [by_path("/a"), by_header("User-Agent", "*Chrome*", "*Safari*")],
    "header one": [by_path("/a"), by_header("X-Kind", "a?c")],
    "query": [by_path("/q"), by_query({"Key": "version", "Value": "v1"}, {"Value": "*example*"})],
    "source": [by_path("/s"), by_source("127.0.0.0/8")],
    "nowhere": [by_path("/s-not"), by_source("192.0.2.0/24", "2001:db8::/32")],
    "all of them": [by_path("/all"), by_method("POST"), by_header("X-A", "1"), by_header("X-B", "2")],
}


def make(host: LocalAlb, port: int) -> None:
    """Makes the groups and rules that the rows are about; ``port`` is the target's."""
    target = host.group("t", port)
    gone, empty = host.group("gone", free_port()), host.group("empty")
    for number, (name, conditions) in enumerate(NAMED.items(), 100):
        host.rule(number, None, Conditions=conditions, Actions=[fixed(name)])
    actions = {
        "/fixed/410": [fixed("gone", "410", "text/html")],
        "/fixed/503": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
        "/fixed/json": [fixed('{"a": 1}', "200", "application/json")],
        "/to/https/*": [redirect(Protocol="HTTPS", Port="443")],
        "/to/host/*": [redirect(Host="new.#{host}", Port="80")],
        "/to/path/*": [redirect(Path="/new/#{path}", Port="80")],
        "/to/query": [redirect(Path="/x", Port="80", Query="was=#{query}")],
        "/to/302": [redirect(Path="/x", Port="80", StatusCode="HTTP_302")],
        "/to/nothing": [redirect(Path="/x", Port="80", Query="")],
    }
    for number, (path, action) in enumerate(actions.items(), 200):
        host.rule(number, [path], Actions=action)
    transforms = {
        "/strip": [rewrite("^/strip/?(.*)$", "/$1")],
        "/part": [rewrite("old", "new")],
        "/groups": [rewrite("^/groups/([a-z]+)/([0-9]+)$", "/$2?name=$1")],
        "/fails": [rewrite("^/fails", "")],
        "/name": [host_rewrite("^(.*)\\.example\\.com$", "$1.internal.example")],
    }
    for number, (path, steps) in enumerate(transforms.items(), 300):
        host.rule(number, [path, f"{path}/*"], target, Transforms=steps)
    host.rule(400, ["/t", "/t/*"], target)
    host.rule(401, ["/gone"], gone)
    host.rule(402, ["/empty"], empty)
    # Regular expressions are rules that are tried one by one.
    pattern = condition("path-pattern", "PathPatternConfig", RegexValues=["^/general/.*$"])
    host.rule(403, None, target, Conditions=[pattern])
    host.healthy(target)


def meets(what: str, name: str, path: str, *fields: str, source: str = CONDITIONS, **more: Any) -> Row:
    """The rule that answers; "default" for none of them."""

    def run(scene: Scene) -> str:
        reply = scene.ask(request(path, *fields, **more))
        return reply.body.decode() if reply.status == 200 else "default"

    return Row(what, source, run, name)


def leads(what: str, path: str, location: str, *fields: str, status: int = 301) -> Row:
    """Where a redirect leads; ``PORT`` is the listener's."""

    def run(scene: Scene) -> tuple[int, str]:
        reply = scene.ask(request(path, *fields, host="example.com"))
        return reply.status, reply.head.values("location")[0].replace(str(scene.host.port), "PORT")

    return Row(what, f"{ACTIONS}#redirect-actions", run, (status, location))


def body(what: str, path: str, expected: tuple[int, list[str], bytes]) -> Row:
    def run(scene: Scene) -> tuple[int, list[str], bytes]:
        reply = scene.ask(request(path))
        return reply.status, reply.head.values("content-type"), reply.body

    return Row(what, f"{ACTIONS}#fixed-response-actions", run, expected)


def as_it_came(path: str) -> Row:
    return gets_path(f"the path {path} arrives as it came", AS_IT_CAME, request(path), path)


_PATHS, _HOSTS, _HEADERS = (
    f"{CONDITIONS}#path-conditions",
    f"{CONDITIONS}#host-conditions",
    f"{CONDITIONS}#http-header-conditions",
)
_METHODS, _QUERIES, _SOURCES = (
    f"{CONDITIONS}#{name}-conditions" for name in ("http-request-method", "query-string", "source-ip")
)

ROWS = [
    # Path patterns
    meets("a path matches what is below it", "images", "/img/a", source=_PATHS),
    meets("and what is far below it", "images", "/img/a/b/c", source=_PATHS),
    meets("and nothing at all", "images", "/img/", source=_PATHS),
    meets("but not the path itself", "default", "/img", source=_PATHS),
    meets("nor a longer name", "default", "/imgx/a", source=_PATHS),
    meets("paths are case-sensitive", "default", "/IMG/a", source=_PATHS),
    meets("an asterisk may stand in the middle", "pictures", "/pics/a/small", source=_PATHS),
    meets("for several segments too", "pictures", "/pics/a/b/small", source=_PATHS),
    meets("what follows it must be there", "default", "/pics/a/large", source=_PATHS),
    meets("a question mark is one character", "one", "/onezx", source=_PATHS),
    meets("not none", "default", "/onex", source=_PATHS),
    meets("not two", "default", "/onezzx", source=_PATHS),
    meets("a path without wildcards is exact", "exact", "/exact", source=_PATHS),
    meets("it is not a prefix", "default", "/exact/", source=_PATHS),
    meets("its query is not looked at", "exact", "/exact?/img/a", source=_PATHS),
    meets("a query is no path", "default", "/?/exact", source=_PATHS),
    meets("one of several patterns does", "either", "/either", source=_PATHS),
    meets("so does another of them", "either", "/or", source=_PATHS),
    meets("a regular expression matches", "regex", "/api/v2/x", source=_PATHS),
    meets("or does not", "default", "/api/vx/x", source=_PATHS),
    meets("the lower priority comes first", "first", "/both/x", source=RULES),
    meets("without a match the default rule answers", "default", "/none-of-them", source=RULES),
    # Hosts
    meets("a host matches", "host", "/h", host="example.com", source=_HOSTS),
    meets("in any case", "host", "/h", host="EXAMPLE.com", source=_HOSTS),
    meets("whatever the port", "host", "/h", host="example.com:8080", source=_HOSTS),
    meets("an asterisk is a name below", "below", "/h", host="test.example.com", source=_HOSTS),
    meets("and one below that", "below", "/h", host="a.b.example.com", source=_HOSTS),
    meets("a question mark is one character of a host", "single", "/h", host="test.example.org", source=_HOSTS),
    meets("and no other name", "default", "/h", host="teest.example.org", source=_HOSTS),
    # Methods
    meets("a method of one's own matches", "method", "/m", method="PURGE", source=_METHODS),
    meets("and one of several", "method", "/m", source=_METHODS),
    meets("another does not", "default", "/m", method="DELETE", source=_METHODS),
    meets("methods are case-sensitive", "default", "/m", method="purge", source=_METHODS),
    # Headers
    meets("a part of a header matches", "header", "/a", "User-Agent: a Chrome b", source=_HEADERS),
    meets("so does the other value", "header", "/a", "User-Agent: Safari", source=_HEADERS),
    meets("in any case of the value", "header", "/a", "User-Agent: CHROME", source=_HEADERS),
    meets("in any case of the name", "header", "/a", "USER-AGENT: Chrome", source=_HEADERS),
    meets("another value does not match", "default", "/a", "User-Agent: Lynx", source=_HEADERS),
    meets("nor does none", "default", "/a", source=_HEADERS),
    meets("a question mark is one character of a header", "header one", "/a", "X-Kind: abc", source=_HEADERS),
    meets("not two of them", "default", "/a", "X-Kind: abbc", source=_HEADERS),
    # Queries
    meets("a key and its value match", "query", "/q?version=v1", source=_QUERIES),
    meets("anywhere in the query", "query", "/q?a=b&version=v1&c", source=_QUERIES),
    meets("in any case of either", "query", "/q?VERSION=V1", source=_QUERIES),
    meets("another value of the key does not", "default", "/q?version=v2", source=_QUERIES),
    meets("nor does a longer one", "default", "/q?version=v11", source=_QUERIES),
    meets("a value matches with any key", "query", "/q?x=an-example-value", source=_QUERIES),
    meets("and without a key", "query", "/q?example", source=_QUERIES),
    meets("an empty query does not match", "default", "/q", source=_QUERIES),
    # Sources and more than one condition
    meets("an address in the block matches", "source", "/s", source=_SOURCES),
    meets("one outside does not", "default", "/s-not", source=_SOURCES),
    meets("X-Forwarded-For is not the source", "default", "/s-not", "X-Forwarded-For: 192.0.2.1", source=_SOURCES),
    meets("all conditions hold", "all of them", "/all", "X-A: 1", "X-B: 2", method="POST", source=RULES),
    meets("one that does not is enough", "default", "/all", "X-A: 1", method="POST", source=RULES),
    # Fixed responses
    body("a fixed response is what the rule says", "/fixed/410", (410, ["text/html"], b"gone")),
    body("its type too", "/fixed/json", (200, ["application/json"], b'{"a": 1}')),
    body("it may be empty", "/fixed/503", (503, [], b"")),
    # Redirects
    leads("a redirect keeps what it does not name", "/to/https/a?b=c", "https://example.com:443/to/https/a?b=c"),
    leads("#{host} is the host", "/to/host/a", "http://new.example.com:80/to/host/a"),
    leads("#{path} is the path", "/to/path/a", "http://example.com:80/new/to/path/a"),
    leads("#{query} is the query", "/to/query?a=b", "http://example.com:80/x?was=a=b"),
    leads("a redirect may be for the time being", "/to/302", "http://example.com:80/x", status=302),
    leads("a query may be dropped", "/to/nothing?a=b", "http://example.com:80/x"),
    # Transforms
    gets_path("a transform takes a prefix off", TRANSFORMS, request("/strip/a/b?c"), "/a/b?c"),
    gets_path("down to nothing", TRANSFORMS, request("/strip"), "/"),
    gets_path("a transform changes the first match", TRANSFORMS, request("/part/old/old"), "/part/new/old"),
    gets_path("without a match nothing changes", TRANSFORMS, request("/part/x"), "/part/x"),
    gets_path("groups are used in any order", TRANSFORMS, request("/groups/abc/12"), "/12?name=abc"),
    answers("a transform that fails is 500", TRANSFORMS, request("/fails"), 500),
    gets(
        "a transform changes the host",
        TRANSFORMS,
        request("/name", host="shop.example.com"),
        "host",
        "shop.internal.example",
    ),
    # Paths as they came
    *[
        as_it_came(path)
        for path in (
            "/t/a/./b",
            "/t/a/../b",
            "/t/..a/b",
            "/t/.hidden",
            "/t//a",
            "/t/%41bc",
            "/t/%7Euser",
            "/t/a/%2e%2e/b",
            "/t/a/%2E/b",
            "/t/a%2Fb",
            "/t/a%2fb",
            "/t/%C3%A9",
            "/t/%25",
            "/t/a;b=c",
            "/t/a+b",
            "/t/%20",
            "/t/a?b=%41&c=../d",
            "/t/%41?b=%41",
            "/t/?",
            "/t/a/..",
            "/general/a/../%41",
        )
    ],
    gets_path(
        "so do those below a prefix that is taken off", AS_IT_CAME, request("/strip/a/../%41?%41"), "/a/../%41?%41"
    ),
    answers(
        "a path that leads out of its rule meets the other",
        AS_IT_CAME,
        request("/t/../none"),
        200,
        differs=LEAVES,
        instead=404,
    ),
    answers("encoded dots too", AS_IT_CAME, request("/t/%2e%2e/none"), 200, differs=LEAVES, instead=404),
    gets_path(
        "a path that leads into a rule meets it",
        AS_IT_CAME,
        request("/none/../t/a"),
        404,
        differs=LEAVES,
        instead="/t/a",
    ),
    gets_path("so does one with encoded letters", AS_IT_CAME, request("/%74/a"), 404, differs=LEAVES, instead="/t/a"),
]
