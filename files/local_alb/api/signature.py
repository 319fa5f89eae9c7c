"""Whether a request was signed by whoever holds the access key: AWS's signature, version 4.

The signature is computed anew by botocore's own signer. Source: "Elements of an AWS API request signature" and "Create
a signed AWS API request" in the IAM user guide; codes and statuses from "Common Errors" in the Elastic Load Balancing
API reference, sentences as the service itself answers.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import botocore.credentials
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from local_alb.errors import ApiError

from .credentials import Credentials
from .service_model import SIGNING_NAME

# How far the clocks of both sides may be apart, and from when on a request is one of another time; seconds.
MAX_SKEW = 5 * 60
EXPIRED = 15 * 60
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request,\s*"
    r"SignedHeaders=([a-z0-9;_-]+),\s*Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class Request:
    """An HTTP request as it came: ``target`` is the path with its query, ``headers`` in their order."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""

    @property
    def form(self) -> str:
        """The parameters of the query and of the body."""
        parts = (urlsplit(self.target).query, self.body.decode(errors="replace"))
        return "&".join(part for part in parts if part)

    def header(self, name: str) -> str | None:
        """Returns the value of the first header of a name in small letters."""
        return next((value for given, value in self.headers if given.lower() == name), None)


@dataclass(frozen=True)
class _Claim:
    """What the Authorization header says of the signature."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: frozenset[str]
    signature: str


def check_signature(request: Request, credentials: Credentials, now: float) -> None:
    """Raises ApiError unless ``credentials`` signed all of ``request``; ``now`` is in seconds since the epoch.

    The region of the signature may be any, since there is one of these load balancers only.
    """
    claim = _claim(request)
    if claim.service != SIGNING_NAME:
        raise _mismatch(f"Credential should be scoped to correct service: '{SIGNING_NAME}', not '{claim.service}'")
    if claim.access_key_id != credentials.access_key_id:
        raise ApiError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    timestamp = request.header("x-amz-date") or ""
    _check_time(claim, timestamp, now)
    _check_coverage(request, claim)
    if not hmac.compare_digest(_signature(request, claim, credentials, timestamp), claim.signature):
        raise _mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )


def _claim(request: Request) -> _Claim:
    header = request.header("authorization")
    if not header:
        raise ApiError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    found = _AUTHORIZATION.fullmatch(header.strip())
    if not found:
        raise _incomplete("The Authorization header is not an AWS signature, version 4")
    access_key_id, date, region, service, names, signature = found.groups()
    return _Claim(access_key_id, date, region, service, frozenset(names.split(";")), signature)


def _check_time(claim: _Claim, timestamp: str, now: float) -> None:
    try:
        signed = datetime.strptime(timestamp, _TIMESTAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise _incomplete("Authorization header requires existence of a 'X-Amz-Date' header.") from None
    if claim.date != timestamp[:8]:
        raise _mismatch(f"Date in Credential scope does not match YYYYMMDD from '{timestamp}'")
    here = datetime.fromtimestamp(now, UTC).strftime(_TIMESTAMP)
    if abs(now - signed) > EXPIRED:
        raise ApiError("RequestExpired", f"Request has expired: signed at {timestamp}, and it is {here}", 400)
    if now - signed > MAX_SKEW:
        raise _mismatch(f"Signature expired: {timestamp} is more than 5 min. earlier than {here}")
    if signed - now > MAX_SKEW:
        raise _mismatch(f"Signature not yet current: {timestamp} is more than 5 min. later than {here}")


def _check_coverage(request: Request, claim: _Claim) -> None:
    """Refuses a request that leaves unsigned where it goes or what AWS's headers say."""
    given = {name.lower() for name, _ in request.headers}
    needed = {"host", *(name for name in given if name.startswith("x-amz-"))}
    for names, what in ((needed - claim.signed_headers, "not signed"), (claim.signed_headers - given, "not there")):
        if names:
            raise _mismatch(f"Headers are {what}: {', '.join(sorted(names))}")
    digest = request.header("x-amz-content-sha256")
    if digest is not None and digest != hashlib.sha256(request.body).hexdigest():
        raise _mismatch("The provided 'x-amz-content-sha256' header does not match what was computed.")


def _signature(request: Request, claim: _Claim, credentials: Credentials, timestamp: str) -> str:
    url = urlsplit(request.target)
    rebuilt = AWSRequest(
        method=request.method,
        url=f"http://{request.header('host')}{url.path}{f'?{url.query}' if url.query else ''}",
        data=request.body,
    )
    for name, value in request.headers:
        if name.lower() in claim.signed_headers:
            rebuilt.headers.add_header(name, value)
    rebuilt.context["timestamp"] = timestamp
    key = botocore.credentials.Credentials(credentials.access_key_id, credentials.secret)
    signer = SigV4Auth(key, claim.service, claim.region)
    return str(signer.signature(signer.string_to_sign(rebuilt, signer.canonical_request(rebuilt)), rebuilt))


def _mismatch(message: str) -> ApiError:
    return ApiError("SignatureDoesNotMatch", message, 403)


def _incomplete(message: str) -> ApiError:
    return ApiError("IncompleteSignature", message, 400)
