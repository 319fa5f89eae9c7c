# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets this host's credentials from the EC2 instance metadata service: only who should, or more.

Sources: "Use the Instance Metadata Service to access instance metadata" and "Configure the Instance Metadata Service
options" in the Amazon EC2 user guide; IP_MINTTL in ip(7).
"""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

ADDRESS = ("169.254.169.254", 80)
# The service is the hypervisor itself and answers within a few milliseconds; where there is none, nobody waits longer.
CONNECT_SECONDS = 0.5
# A packet that is dropped looks like an answer that is late: so long, or five times as long as the last one took.
LATE_SECONDS = 0.3
LARGEST_ANSWER = 1024
IP_MINTTL = 21  # of Linux; Python's socket has no name for it
# AWS's SDKs ask nothing where this is true.
DISABLED = "AWS_EC2_METADATA_DISABLED"
_TOKEN = ("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})


@dataclass(frozen=True)
class Seen:
    """How the service answers. ``region`` and ``instance_id`` are asked only where there is something to say."""

    answers_without_token: bool
    token_comes_further: bool
    region: str = ""
    instance_id: str = ""


def warnings(seen: Seen | None) -> list[str]:
    """What is wrong with the service's options, with the command that mends it; nothing where there is no service."""
    if seen is None:
        return []
    reasons = []
    if seen.answers_without_token:
        reasons.append("answers without a token (IMDSv1), so whoever makes a program fetch an address gets them")
    if seen.token_comes_further:
        reasons.append("sends its tokens further than to this host (hop limit over 1), so containers may get them")
    if not reasons:
        return []
    return [
        "The instance metadata service gives away this host's AWS credentials too easily: it "
        f"{'; and it '.join(reasons)}. Do: aws ec2 modify-instance-metadata-options"
        f" --region {seen.region or 'REGION'} --instance-id {seen.instance_id or 'INSTANCE'}"
        " --http-tokens required --http-put-response-hop-limit 1"
    ]


def is_worth_asking(aws_is_named: bool, sysfs: str = "/sys") -> bool:
    """Whether there may be a service: AWS's load balancer leads here, or the hardware says that it is EC2's."""
    if os.environ.get(DISABLED, "").lower() == "true":
        return False
    vendors = [_line(f"{sysfs}/class/dmi/id/{name}") for name in ("sys_vendor", "board_vendor")]
    return aws_is_named or "Amazon EC2" in vendors or _line(f"{sysfs}/hypervisor/uuid").startswith("ec2")


def ask(address: tuple[str, int] = ADDRESS) -> Seen | None:
    """How the service answers; None where there is none. Takes 0.3 s where its options are right.

    The hop limit is the time to live of the packets that carry a token, and a token that leaves the host has to have
    more than 1 left. Such packets alone are taken once the socket wants 2 at least.
    """
    begun = time.monotonic()
    token = _exchange(address, *_TOKEN)
    if token is None or token[0] != 200:
        return None
    patience = max(LATE_SECONDS, 5 * (time.monotonic() - begun))
    further = _exchange(address, *_TOKEN, seconds=patience, least_ttl=2) is not None
    open_to_all = _status(_exchange(address, "GET", "/latest/meta-data/", {})) == 200
    if not (further or open_to_all):
        return Seen(False, False)
    names = {"X-aws-ec2-metadata-token": token[1]}
    found = [
        _exchange(address, "GET", f"/latest/meta-data/{path}", names) for path in ("placement/region", "instance-id")
    ]
    region, instance_id = (answer[1] if answer is not None and answer[0] == 200 else "" for answer in found)
    return Seen(open_to_all, further, region, instance_id)


def _exchange(
    address: tuple[str, int],
    method: str,
    path: str,
    headers: Mapping[str, str],
    seconds: float = CONNECT_SECONDS,
    least_ttl: int = 0,
) -> tuple[int, str] | None:
    """The status and the body; None without an answer in time. Never through a proxy: it is about this very host."""
    connection = http.client.HTTPConnection(*address, timeout=seconds)
    try:
        connection.connect()
        if least_ttl:
            connection.sock.setsockopt(socket.IPPROTO_IP, IP_MINTTL, least_ttl)
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, _printable(answer.read(LARGEST_ANSWER))
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _status(answer: tuple[int, str] | None) -> int | None:
    return None if answer is None else answer[0]


def _printable(body: bytes) -> str:
    text = body.decode("ascii", "replace").strip()
    return text if text.isprintable() else ""


def _line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""
