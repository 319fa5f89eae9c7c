"""A local user without rights cannot change the routes: the control plane takes requests of its own access key only."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.credentials import ACCESS_KEY
from tests.e2e.support.local_alb import LISTENER_ARN, LocalAlb, running

CREATE = (
    "Action=CreateRule&Version=2015-12-01&Priority=7"
    f"&ListenerArn={LISTENER_ARN.replace(':', '%3A').replace('/', '%2F')}"
    "&Conditions.member.1.Field=path-pattern&Conditions.member.1.Values.member.1=%2Ftaken"
    "&Actions.member.1.Type=fixed-response&Actions.member.1.FixedResponseConfig.StatusCode=200"
)
DESCRIBE = "Action=DescribeRules&Version=2015-12-01"
# What the other user runs: tries to read the key, looks at all command lines, and sends what it is given.
PROGRAM = """
import glob, json, sys, urllib.error, urllib.request
given = json.load(sys.stdin)
told = {"answers": [], "commands": []}
try:
    told["key"] = open(given["file"]).read()
except OSError as error:
    told["key"] = type(error).__name__
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        told["commands"].append(open(path, errors="replace").read())
    except OSError:
        continue
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for body, headers in given["requests"]:
    try:
        with opener.open(urllib.request.Request(given["url"], body.encode(), headers), timeout=10) as answer:
            told["answers"].append([answer.status, answer.read().decode()])
    except urllib.error.HTTPError as error:
        told["answers"].append([error.code, error.read().decode()])
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def balancer() -> Iterator[LocalAlb]:
    root = Path(tempfile.mkdtemp(prefix="mcp-key-", dir="/var/tmp"))
    root.chmod(0o755)  # so that nothing but the file's own mode keeps anybody out
    with running(LocalAlb(root)) as balancer:
        yield balancer
    shutil.rmtree(root)


def signed(url: str, body: str, key_id: str, secret: str) -> tuple[str, dict[str, str]]:
    request = AWSRequest("POST", url, {"Content-Type": "application/x-www-form-urlencoded"}, body)
    SigV4Auth(Credentials(key_id, secret), "elasticloadbalancing", "us-east-1").add_auth(request)
    return body, dict(request.headers.items())


def as_nobody(given: dict[str, Any]) -> dict[str, Any]:
    run = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", PROGRAM],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        user="nobody",
        group="nogroup",
        extra_groups=[],
        cwd="/",
    )
    return dict(json.loads(run.stdout))


def rules(balancer: LocalAlb) -> list[dict[str, Any]]:
    client = boto3.client("elbv2", endpoint_url=balancer.endpoint_url, region_name="us-east-1", **ACCESS_KEY)
    return list(client.describe_rules(ListenerArn=LISTENER_ARN)["Rules"])


def test_another_local_user_can_neither_read_the_key_nor_do_anything_without_it(balancer: LocalAlb) -> None:
    url, key_id = f"{balancer.endpoint_url}/", ACCESS_KEY["aws_access_key_id"]
    before = rules(balancer)
    requests = [
        signed(url, DESCRIBE, "nobody", "nobody"),
        signed(url, DESCRIBE, key_id, "guessed"),
        signed(url, CREATE, key_id, "guessed"),
        (CREATE, signed(url, DESCRIBE, key_id, ACCESS_KEY["aws_secret_access_key"])[1]),
        (CREATE, {}),
    ]

    told = as_nobody({"file": str(balancer.credentials), "url": url, "requests": requests})

    assert told["key"] == "PermissionError"
    codes = ["InvalidClientTokenId", *["SignatureDoesNotMatch"] * 3, "MissingAuthenticationToken"]
    for (status, text), code in zip(told["answers"], codes, strict=True):
        assert (status, f"<Code>{code}</Code>" in text) == (403, True)
        assert LISTENER_ARN not in text
    assert not [command for command in told["commands"] if ACCESS_KEY["aws_secret_access_key"] in command]
    assert rules(balancer) == before
    assert balancer.status("/taken") == 404
