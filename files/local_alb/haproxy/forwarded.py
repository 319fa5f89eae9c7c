"""What targets learn of the client and of the request's way: Host, X-Forwarded-… and X-Amzn-Trace-Id."""

from __future__ import annotations

from collections.abc import Iterable

from local_alb.model.attributes import LOAD_BALANCER, attribute
from local_alb.model.world import Document, Listener, Rule, Strings

from .text import quoted

DEFAULT_PORTS = (80, 443)
_TRACE = "X-Amzn-Trace-Id"
_TRACE_ID = "1-%[date,hex,bytes(8,8),lower]-%[uuid(4),regsub(-,,g),bytes(0,24)]"
# Above this size of all headers a trace begins anew; bytes.
_LARGEST_TRACED_HEAD = 7 * 1024


def host_lines(listener: Listener, rules: Iterable[Rule], explicit: Strings) -> list[str]:
    """Returns the lines that write the Host header as targets of an ALB see it.

    It is in lower case. It names the port, or does not where that is a default one.
    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html.
    What a rule itself makes of the header stays as the rule says; AWS does not say which of both comes first.
    """
    if attribute(LOAD_BALANCER, explicit, "routing.http.preserve_host_header.enabled") == "true":
        return []
    if listener.port in DEFAULT_PORTS:
        is_right, right = "^[^A-Z:]*$", "req.fhdr(host),host_only,lower"
    else:
        is_right = "^([^A-Z]*:[0-9]+)?$"
        right = f"req.fhdr(host),lower,regsub('^(?!.*:[0-9]+$)(.+)$','\\1:{listener.port}')"
    # Most clients write the header as it has to be; then one comparison is all that this costs.
    is_wrong = f"!{{ req.fhdr(host) -m reg -- {quoted(is_right)} }}"
    rewriting = [str(rule.priority) for rule in rules if any(map(_sets_host, rule.transforms))]
    # Several lines of one name are one list, and a line takes 64 words.
    lists = [
        f"acl sets_host var(txn.rule) -m int {' '.join(rewriting[start : start + 32])}"
        for start in range(0, len(rewriting), 32)
    ]
    others = " !sets_host" if rewriting else ""
    return [*lists, f"http-request set-header Host {quoted(f'%[{right}]')} if {is_wrong}{others}"]


def _sets_host(transform: Document) -> bool:
    return bool(transform["Type"] == "host-header-rewrite")


def client_lines(listener: Listener, explicit: Strings, is_behind: bool) -> list[str]:
    """Returns the lines that say who asked, and how.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html.
    """
    mode = attribute(LOAD_BALANCER, explicit, "routing.http.xff_header_processing.mode")
    with_port = attribute(LOAD_BALANCER, explicit, "routing.http.xff_client_port.enabled") == "true"
    client = "%[src]:%[src_port]" if with_port else "%[src]"
    # What the balancer in front said of the client is truer than what can be seen from behind it.
    unless_told = " unless {{ req.hdr({}) -m found }}" if is_behind else ""
    lines = [
        f"http-request set-header {name} {value}{unless_told.format(name)}"
        for name, value in (("X-Forwarded-Proto", listener.protocol.lower()), ("X-Forwarded-Port", listener.port))
    ]
    if listener.protocol == "HTTPS":
        name = "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"
        if attribute(LOAD_BALANCER, explicit, name) == "true":
            lines.append("http-request set-header X-Amzn-Tls-Version %[ssl_fc_protocol]")
            lines.append("http-request set-header X-Amzn-Tls-Cipher-Suite %[ssl_fc_cipher]")
    if mode == "remove":
        lines.append("http-request del-header X-Forwarded-For")
    if mode == "append" and not is_behind:
        lines.append(f'http-request replace-header X-Forwarded-For ^(.*)$ "\\\\1, {client}"')
    if mode == "append":
        lines.append(f"http-request set-header X-Forwarded-For {client} unless {{ req.hdr(X-Forwarded-For) -m found }}")
    return lines


def trace_lines(is_behind: bool) -> list[str]:
    """Returns the lines that begin a trace, or put this load balancer into the one that the request belongs to.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html.
    They rely on ``txn.head``, the size of the request's headers. Behind another balancer a trace stays as it left that.
    """
    told = f"{{ req.fhdr({_TRACE}) -m found }}"
    begins = f"http-request set-header {_TRACE} Root={_TRACE_ID}"
    if is_behind:
        return [f"{begins} unless {told}"]
    rest = f"req.fhdr({_TRACE}),regsub('(^|;) *Self=[^;]*','',g),regsub('^[; ]*(.)',';\\\\1')"
    large = f"{{ var(txn.head) -m int gt {_LARGEST_TRACED_HEAD} }}"
    known = f'{{ req.fhdr({_TRACE}) -m reg "(^|;) *(Root|Self)=" }}'
    return [
        f'http-request set-var(txn.trace) "{rest}" if {told}',
        f"http-request set-header {_TRACE} Self={_TRACE_ID}%[var(txn.trace)] if {told} {known} !{large}",
        f"{begins}%[var(txn.trace)] if {told} !{known} !{large}",
        f"{begins} if !{told} || {large}",
    ]
