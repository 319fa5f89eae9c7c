"""The answers that the load balancer gives on its own, in the form of an Application Load Balancer's.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html.
"""

from __future__ import annotations

REASONS = {
    400: "Bad Request",
    405: "Method Not Allowed",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
# What HAProxy has no error file for: a rule answers with these.
FURTHER_REASONS = {
    414: "Request-URI Too Large",
    463: "",
    505: "HTTP Version Not Supported",
}
# After these the rest of the request is not read, or cannot be understood.
_CLOSING = {400, 408, 413}


def page_body(status: int) -> str:
    """Returns the HTML of the answer."""
    title = f"{status} {(REASONS | FURTHER_REASONS)[status]}".strip()
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )


def error_page(status: int) -> str:
    """Returns one whole HTTP response, as HAProxy's ``errorfile`` wants it."""
    body = page_body(status)
    closing = "Connection: close\r\n" if status in _CLOSING else ""
    return (
        f"HTTP/1.1 {status} {REASONS[status]}\r\nServer: awselb/2.0\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(body)}\r\n{closing}\r\n{body}"
    )
