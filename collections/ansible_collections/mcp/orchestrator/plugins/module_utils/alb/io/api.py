# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Elastic Load Balancing API: one shared client, and errors that say what helps."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError, ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.instance import region as own_region

try:
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import SharedCredentialProvider
    from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
    from botocore.loaders import Loader
except ImportError:  # the module says so before it calls anything here
    BOTO3_ERROR: str | None = traceback.format_exc()
else:
    BOTO3_ERROR = None

PAGE_SIZE = 400  # the most that Describe calls give at once
THREADS = 16

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "OperationNotPermitted"}
_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "AuthFailure",
}
# What a control plane of our own says to another's access key.
_UNKNOWN = {"InvalidClientTokenId", "SignatureDoesNotMatch"}
_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "NoAuthTokenError"}


# boto3 sends nothing without a key of some kind.
NOBODY = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nobody"}


class Api:
    """Calls the service; every refusal becomes an ApiError."""

    def __init__(self, client: Any, where: str) -> None:
        self._client = client
        self._where = where

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Calls one operation (snake case) and returns its answer. Raises ApiError."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
        except ClientError as error:
            raise self._refused(operation, error) from error
        except BotoCoreError as error:
            raise self._unanswered(operation, error) from error
        return answer

    def pages(self, operation: str, key: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Calls a Describe operation until there is no further page, and returns all of ``key``. Raises ApiError."""
        found: list[dict[str, Any]] = []
        marker: dict[str, str] = {}
        while True:
            answer = self.call(operation, {**arguments, **marker, "PageSize": PAGE_SIZE})
            found += answer.get(key, [])
            if not answer.get("NextMarker"):
                return found
            marker = {"Marker": answer["NextMarker"]}

    def _refused(self, operation: str, error: ClientError) -> ApiError:
        details = error.response.get("Error", {})
        code, text = str(details.get("Code", "Unknown")), str(details.get("Message", ""))
        name = action_name(operation)
        if code in _DENIED:
            message = f"AWS does not allow {name}: give this role the IAM action elasticloadbalancing:{name} ({text})"
            return ApiError(operation, code, message)
        if code in _CREDENTIALS:
            is_aws = self._where.startswith("AWS")
            way_out = "correct credentials_file" if code in _UNKNOWN and not is_aws else "renew them and run again"
            message = f"{self._where} did not accept the credentials for {name} ({code}: {text}); {way_out}"
            return ApiError(operation, code, message, is_fatal=True)
        if code in _THROTTLED:
            return ApiError(operation, code, f"AWS still throttled {name} after all retries; run again later ({text})")
        if code.startswith("ListenerNotFound"):
            message = f"the listener does not exist ({text}); correct listener_arn"
            return ApiError(operation, code, message, is_fatal=True)
        if code.startswith("LoadBalancerNotFound"):
            message = f"the listener's load balancer does not exist ({text}); correct listener_arn"
            return ApiError(operation, code, message, is_fatal=True)
        return ApiError(operation, code, f"{name} failed: {code}: {text}")

    def _unanswered(self, operation: str, error: BotoCoreError) -> ApiError:
        code, name = type(error).__name__, action_name(operation)
        if code in _NO_CREDENTIALS:
            message = (
                f"no AWS credentials were found for {name} ({error}); attach an instance role with the needed "
                "permissions, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        elif code == "ParamValidationError":
            return ApiError(operation, code, f"{name} was not sent: {error}")
        else:
            message = f"{name} got no answer from {self._where} ({error}); check that it is reachable and run again"
        return ApiError(operation, code, message, is_fatal=True)


def action_name(operation: str) -> str:
    """Returns an operation's name as AWS and IAM write it."""
    return "".join(word.capitalize() for word in operation.split("_"))


def connect(region: str | None, endpoint_url: str | None, credentials_file: str | None = None) -> Api:
    """Makes the one client that a run shares.

    Retries are adaptive and ten, explicitly: botocore's default gives up after three attempts, and a fleet's calls
    soon meet the account's token bucket. ``credentials_file`` is in the place of what boto3 finds; an endpoint on
    loopback is no AWS and is never shown what boto3 finds. A region that neither the caller nor boto3 knows is the one
    that this host is in. Raises AlbError.
    """
    config = Config(
        retries={"mode": "adaptive", "max_attempts": 10},
        max_pool_connections=THREADS,
        connect_timeout=5,
        read_timeout=30,
    )
    credentials: dict[str, Any] = {}
    if endpoint_url and (urlsplit(endpoint_url).hostname or "") in {"127.0.0.1", "::1", "localhost"}:
        region = region or "us-east-1"
        credentials = NOBODY
    if credentials_file:
        credentials = _credentials(credentials_file)

    def client_of(name: str | None) -> Any:
        session = botocore.session.Session()
        session.register_component("data_loader", _loader())
        return session.create_client("elbv2", region_name=name, endpoint_url=endpoint_url, config=config, **credentials)

    try:
        try:
            client = client_of(region)
        except NoRegionError:
            client = client_of(own_region())
    except (BotoCoreError, ValueError) as error:
        raise AlbError(
            f"cannot prepare calls to Elastic Load Balancing ({error}); check region and endpoint"
        ) from error
    return Api(client, endpoint_url or f"AWS in {region or client.meta.region_name}")


def _loader() -> Any:
    """Returns what loads the model of one service, and does not look through the folders of four hundred others."""
    loader = Loader()
    loader.list_available_services = lambda type_name: ["elbv2"]  # type: ignore[method-assign]
    return loader


def _credentials(path: str) -> dict[str, Any]:
    """Returns the access key of the file's default profile, as boto3 takes it."""
    try:
        with open(path, encoding="utf-8"):
            found = SharedCredentialProvider(path).load()
    except OSError as error:
        raise AlbError(f"credentials_file {path} cannot be read: {error.strerror}; run setup.sh again") from error
    except (BotoCoreError, ValueError):  # what they say may quote the file
        found = None
    if found is None:
        raise AlbError(f"credentials_file {path} has no access key with its secret under [default]") from None
    return {"aws_access_key_id": found.access_key, "aws_secret_access_key": found.secret_key}
