"""The answers that the load balancer gives on its own, in the form of an Application Load Balancer's."""

from __future__ import annotations

REASONS = {
    400: "Bad Request",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


def error_page(status: int) -> str:
    """Returns one whole HTTP response, as HAProxy's ``errorfile`` wants it."""
    title = f"{status} {REASONS[status]}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )
    return (
        f"HTTP/1.1 {title}\r\nServer: awselb/2.0\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\n\r\n{body}"
    )
