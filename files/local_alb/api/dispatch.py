"""One request in, one reply out: what the control plane does, whatever carries it."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from local_alb.errors import ApiError
from local_alb.model.store import Store
from local_alb.operations.context import Context
from local_alb.operations.table import READS, WRITES

from .constraints import check_request
from .credentials import Credentials, CredentialsError
from .faults import Dropped, Faults
from .service_model import operation_model, service_model
from .signature import Request, check_signature
from .wire import parse_request, serialise_error, serialise_reply

log = logging.getLogger("local_alb")
MAX_FIELDS = 10_000


@dataclass(frozen=True)
class Answer:
    """The status and body of an HTTP response, and the id of the request it answers."""

    status: int
    body: str
    request_id: str


class Api:
    """``context`` makes what operations may know, and ``credentials`` reads the access key, anew for each call."""

    def __init__(
        self,
        store: Store,
        context: Callable[[float], Context],
        credentials: Callable[[], Credentials],
        faults: Faults | None = None,
    ) -> None:
        self._store = store
        self._context = context
        self._credentials = credentials
        self._faults = faults

    def answer(self, request: Request) -> Answer:
        """Performs the operation of one form-encoded request, if the access key signed it.

        Raises Dropped where a fault says so.
        """
        request_id = str(uuid.uuid4())
        try:
            self._check_signature(request)
            name, fields = _fields(request.form)
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

    def _check_signature(self, request: Request) -> None:
        try:
            credentials = self._credentials()
        except CredentialsError as error:
            log.error("all requests are refused: %s", error)
            message = "No access key is known here; the local load balancer's log says why"
            raise ApiError("InvalidClientTokenId", message, 403) from None
        check_signature(request, credentials, time.time())

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
