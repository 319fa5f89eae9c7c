"""What a request and an answer must be like as HTTP messages, and what of them ends at the load balancer.

Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html for the
codes, …/application/load-balancer-limits.html#http-headers-quotas for the sizes, and
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html#http-connections
for HTTP/1.0 and Expect. Variables that others use: ``txn.head``, the size of the request's headers in bytes.
"""

from __future__ import annotations

from .error_pages import FURTHER_REASONS, page_body

LONGEST_LINE = LONGEST_HEADER = 16_384  # bytes
LARGEST_HEAD, LARGEST_ANSWER_HEAD = 65_536, 32_768  # bytes
MOST_FORWARDERS = 30
# Method, blanks and version of a request line, beside the URL.
_BESIDE_URL = 14
# A count above 255 is not portable in expressions; this one stands for any header of more than 16 K.
_LONG_HEADER = "([^\\n]{128}){128}"
# RFC 9110, sections 7.6.1 and 11.7, and RFC 2616, section 13.5.1.
_HOP_BY_HOP = ("Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Trailer")
_OF_REQUESTS = ("Expect", "Proxy-Authorization")
_WEB_SOCKET = "{ req.fhdr(upgrade) -m str -i websocket }"


def page_files() -> dict[str, str]:
    """Returns the bodies of the answers for which HAProxy has no error file, by name."""
    return {f"{status}.html": page_body(status) for status in FURTHER_REASONS}


def refusal_lines(folder: str, name: str) -> list[str]:
    """Returns what a frontend does first: requests that no rule may see are answered.

    ``folder`` has the files of ``page_files``. ``name`` is the load balancer's own: requests of HTTP/1.0 may come
    without a Host header, and get it.
    """
    no_host = "!{ req.fhdr(host) -m found }"
    return [
        f"http-request set-header Host {name} if {no_host} {{ req.ver 1.0 }}",
        f"http-request return status 400 default-errorfiles if {no_host}",
        _answer(505, folder, "!{ req.ver 1.1 2.0 1.0 } || { req.ver 2.0 } !{ fc_http_major 2 }"),
        "http-request return status 405 default-errorfiles if { method TRACE }",
        _answer(414, folder, f"{{ url,length gt {LONGEST_LINE - _BESIDE_URL} }}"),
        "http-request set-var(txn.head) req.hdrs,length",
        f"http-request return status 400 default-errorfiles if {{ var(txn.head) -m int gt {LARGEST_HEAD} }}",
        f"http-request return status 400 default-errorfiles if {{ var(txn.head) -m int gt {LONGEST_HEADER} }} "
        f'{{ req.hdrs -m reg "{_LONG_HEADER}" }}',
        _answer(463, folder, f"{{ req.hdr_cnt(x-forwarded-for) gt {MOST_FORWARDERS} }}"),
        # The form of a request to a proxy; the target gets the usual one.
        "http-request set-uri %[pathq] if { fc_http_major 1 } { url -m beg http:// https:// }",
    ]


def _answer(status: int, folder: str, condition: str) -> str:
    return (
        f"http-request return status {status} content-type text/html file {folder}/{status}.html "
        f"hdr Server awselb/2.0 if {condition}"
    )


def body_lines(idle: int) -> list[str]:
    """Returns the lines of a frontend that wait for a body; a client silent for ``idle`` seconds gets 408.

    HAProxy itself answers ``100 Continue`` as it begins to wait. A body without a length may be a stream that goes on
    while the target answers, and is not waited for.
    """
    return [
        f"http-request wait-for-body time {idle}s at-least 1 if {{ req.fhdr(expect) -m found }}",
        f"http-request wait-for-body time {idle}s if {{ req.fhdr(content-length) -m found }}",
    ]


def hop_by_hop_lines() -> list[str]:
    """Returns the lines of a frontend that take away what is between two neighbours only, in both directions."""
    return [
        *[f"http-request del-header {name}" for name in (*_HOP_BY_HOP, *_OF_REQUESTS)],
        # gRPC, which is HTTP/2, asks for trailers with it.
        "http-request del-header TE if { fc_http_major 1 }",
        *[f"http-request del-header {name} unless {_WEB_SOCKET}" for name in ("Connection", "Upgrade")],
        f"http-response return status 502 default-errorfiles if {{ res.hdrs,length gt {LARGEST_ANSWER_HEAD} }}",
        *[f"http-response del-header {name}" for name in (*_HOP_BY_HOP, "TE")],
        *[f"http-response del-header {name} unless {{ status 101 }}" for name in ("Connection", "Upgrade")],
    ]
