"""One request in, one reply out: what the control plane does, whatever carries it."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from .constraints import check_request
from .context import Context
from .errors import ApiError
from .faults import Dropped, Faults
from .operations import READS, WRITES
from .service_model import SIGNING_NAME, operation_model, service_model
from .store import Store
from .wire import parse_request, serialise_error, serialise_reply

log = logging.getLogger("local_alb")
_SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request,\s*"
    r"SignedHeaders=[a-z0-9;-]+,\s*Signature=[0-9a-f]{64}"
)
MAX_FIELDS = 10_000


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    request_id: str


class Api:
    """``context`` makes what operations may know, anew for each call."""

    def __init__(self, store: Store, context: Callable[[float], Context], faults: Faults | None = None) -> None:
        self._store = store
        self._context = context
        self._faults = faults

    def answer(self, form: str, authorization: str | None) -> Answer:
        """Performs the operation of one form-encoded request.

        ``authorization`` is the request's header of that name. Its form is checked and its signature is not, since
        there are no accounts here; it must be there because no page in a browser can send it without being asked.
        Raises Dropped where a fault says so.
        """
        request_id = str(uuid.uuid4())
        try:
            _check_authorization(authorization)
            name, fields = _fields(form)
            status, body = 200, self._perform(name, fields, request_id)
        except ApiError as error:
            status, body = error.status, serialise_error(error, service_model().metadata["xmlNamespace"], request_id)
        except Dropped:
            raise
        except Exception:
            log.exception("request %s failed", request_id)
            failure = ApiError("InternalFailure", "The local load balancer failed; its log says why", 500)
            status, body = 500, serialise_error(failure, service_model().metadata["xmlNamespace"], request_id)
        return Answer(status, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}', request_id)

    def _perform(self, name: str, fields: dict[str, str], request_id: str) -> str:
        operation = operation_model(name)

        def perform() -> dict[str, Any]:
            request = parse_request(operation, fields)
            check_request(operation, request)
            context = self._context(time.time())
            if name in READS:
                return READS[name](self._store.world, request, context)
            return self._store.change(lambda world: WRITES[name](world, request, context))

        reply = self._faults.around(name, perform) if self._faults else perform()
        return serialise_reply(operation, reply, request_id)


def _check_authorization(header: str | None) -> None:
    if not header:
        raise ApiError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    signature = _SIGNATURE.fullmatch(header.strip())
    if not signature:
        raise ApiError("IncompleteSignature", "The Authorization header is not an AWS signature, version 4", 403)
    if signature[4] != SIGNING_NAME:
        raise ApiError(
            "SignatureDoesNotMatch",
            f"Credential should be scoped to correct service: '{SIGNING_NAME}', not '{signature[4]}'",
            403,
        )


def _fields(form: str) -> tuple[str, dict[str, str]]:
    try:
        pairs = parse_qsl(
            form, keep_blank_values=True, strict_parsing=bool(form), max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise ApiError("MalformedQueryString", f"The request is not form-encoded: {error}", 404) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ApiError("MalformedQueryString", "A parameter is given more than once", 404)
    name, version = fields.pop("Action", None), fields.pop("Version", None)
    if not name:
        raise ApiError("MissingAction", "The request has no Action parameter")
    api_version = service_model().metadata["apiVersion"]
    if name not in service_model().operation_names or version not in (None, api_version):
        raise ApiError("InvalidAction", f"Could not find operation {name} for version {version}")
    if name not in READS and name not in WRITES:
        raise ApiError("InvalidAction", f"{name} is not supported by the local load balancer")
    return name, fields
