# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError, ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import Api, connect
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError


class Client:
    """Answers every operation with the given error, or page by page."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.arguments: list[dict[str, Any]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.arguments.append(arguments)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def refusal(code: str, message: str = "because") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateRule")


@pytest.mark.parametrize(
    ("error", "said", "is_fatal"),
    [
        (refusal("AccessDenied"), "IAM action elasticloadbalancing:CreateRule", False),
        (refusal("ExpiredToken"), "renew them", True),
        (refusal("Throttling"), "still throttled CreateRule after all retries", False),
        (refusal("ListenerNotFound"), "correct listener_arn", True),
        (refusal("PriorityInUse"), "CreateRule failed: PriorityInUse: because", False),
        (NoCredentialsError(), "attach an instance role", True),
        (EndpointConnectionError(endpoint_url="http://x"), "no answer from AWS in nowhere", True),
    ],
)
def test_every_refusal_is_a_sentence_that_names_the_call_and_the_way_out(error, said, is_fatal):
    with pytest.raises(ApiError, match=said) as told:
        Api(Client(error), "AWS in nowhere").call("create_rule", {})

    assert told.value.is_fatal is is_fatal


@pytest.mark.parametrize("code", ["TooManyRules", "TooManyUniqueTargetGroupsPerLoadBalancer"])
def test_all_quota_errors_are_known_as_such(code):
    assert ApiError("create_rule", code, "").is_quota


def test_throttling_is_no_quota():
    assert not ApiError("create_rule", "TooManyRequestsException", "").is_quota


def test_pages_are_asked_for_until_there_is_no_marker():
    client = Client({"Rules": [1], "NextMarker": "m"}, {"Rules": [2]})

    assert Api(client, "").pages("describe_rules", "Rules", {"ListenerArn": "l"}) == [1, 2]
    assert [arguments.get("Marker") for arguments in client.arguments] == [None, "m"]


def test_a_region_that_nobody_tells_is_a_clear_error(monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(AlbError, match="region"):
        connect(None, None)


def test_real_credentials_are_never_shown_to_an_endpoint_on_loopback(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "REAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "REAL")

    api = connect(None, "http://127.0.0.1:1")

    assert api._client._request_signer._credentials.access_key == "nobody"


def test_the_access_key_of_a_file_signs_calls_in_the_place_of_what_boto3_finds(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "REAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "REAL")
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = A\naws_secret_access_key = S\n")

    for endpoint in (None, "http://127.0.0.1:1"):
        credentials = connect("us-east-1", endpoint, str(file))._client._request_signer._credentials
        assert (credentials.access_key, credentials.secret_key) == ("A", "S")


@pytest.mark.parametrize("text", [None, "", "[default]\naws_secret_access_key = hunter2\n", "hunter2"])
def test_a_file_without_an_access_key_is_an_error_that_names_it(tmp_path, text):
    file = tmp_path / "credentials"
    if text is not None:
        file.write_text(text)

    with pytest.raises(AlbError, match=str(file)) as told:
        connect("us-east-1", "http://127.0.0.1:1", str(file))

    assert "hunter2" not in str(told.value)


def test_a_control_plane_that_is_not_aws_s_asks_for_its_own_access_key():
    with pytest.raises(ApiError, match=r"http://127\.0\.0\.1:1 did not accept .* correct credentials_file"):
        Api(Client(refusal("InvalidClientTokenId")), "http://127.0.0.1:1").call("create_rule", {})
