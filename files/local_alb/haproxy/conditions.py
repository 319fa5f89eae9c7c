"""Conditions of rules as HAProxy ACLs."""

from __future__ import annotations

from local_alb.model.world import Document

from .text import quoted, wildcard_regex


def acls(conditions: tuple[Document, ...], path: str = "path") -> str:
    """Returns one anonymous ACL for each condition; a request fulfils the rule where all of them hold.

    ``path`` is the expression for the path that patterns are compared with.
    """
    return " ".join(f"{{ {_acl(condition, path)} }}" for condition in conditions)


def _acl(condition: Document, path: str) -> str:
    field = condition["Field"]
    if field == "path-pattern":
        return _matching(path, "", condition["PathPatternConfig"])
    if field == "host-header":
        return _matching("req.hdr(host),host_only", " -i", condition["HostHeaderConfig"])
    if field == "http-header":
        config = condition["HttpHeaderConfig"]
        return _matching(f"req.fhdr({config['HttpHeaderName']})", " -i", config)
    if field == "http-request-method":
        return f"method -m str -- {_words(condition['HttpRequestMethodConfig']['Values'])}"
    if field == "source-ip":
        return f"src -- {_words(condition['SourceIpConfig']['Values'])}"
    pairs = [_query_regex(pair) for pair in condition["QueryStringConfig"]["Values"]]
    return f"query -m reg -i -- {_words(pairs)}"


def _matching(sample: str, flags: str, config: Document) -> str:
    expressions = [wildcard_regex(value) for value in config.get("Values", [])] + list(config.get("RegexValues", []))
    return f"{sample} -m reg{flags} -- {_words(expressions)}"


def _query_regex(pair: Document) -> str:
    # A pair is what stands between two "&"; without a key, a bare value or the value of any key matches.
    value = wildcard_regex(pair["Value"], "[^&]*", "[^&]")[1:-1]
    key = wildcard_regex(pair["Key"], "[^&=]*", "[^&=]")[1:-1] + "=" if "Key" in pair else "([^&=]*=)?"
    return f"(^|&){key}{value}(&|$)"


def _words(values: list[str]) -> str:
    return " ".join(quoted(value) for value in values)
