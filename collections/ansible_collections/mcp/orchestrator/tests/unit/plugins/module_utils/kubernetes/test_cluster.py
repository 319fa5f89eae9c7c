# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the API server is asked: what is sent, what is tried again, and what people are told when it is not done."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import ApiServer
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError, refusal
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import DEPLOYMENT, INGRESS, SERVICE

Answer = tuple[int, dict[str, str], Any]
OK: Answer = (200, {}, {"items": [{"metadata": {"name": "mcp-time"}}]})
OBJECT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mcp-time"}}
CAUSE = {
    "reason": "FieldManagerConflict",
    "message": 'conflict with "kubectl-edit" using apps/v1',
    "field": ".spec.replicas",
}


@dataclass
class Asked:
    """``answers`` are given one after the other, the last one for ever; ``seen`` is what was asked."""

    answers: list[Answer]
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def kubeconfig(self, folder: Path, address: str) -> str:
        cluster = {"name": "c", "cluster": {"server": address}}
        context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
        user = {"name": "u", "user": {"token": "letmein"}}
        path = folder / "kubeconfig"
        path.write_text(
            json.dumps({"current-context": "c", "clusters": [cluster], "contexts": [context], "users": [user]})
        )
        return str(path)


@contextmanager
def api_server(folder: Path, *answers: Answer) -> Iterator[tuple[ApiServer, Asked]]:
    asked = Asked(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.seen.append((self.command, self.path, dict(self.headers), body))
            status, headers, told = asked.answers.pop(0) if len(asked.answers) > 1 else asked.answers[0]
            payload = told.encode() if isinstance(told, str) else json.dumps(told).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(payload))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_PATCH = do_DELETE = answer

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        where = asked.kubeconfig(folder, f"http://127.0.0.1:{server.server_port}")
        yield ApiServer(where, "", "mcp", pause=asked.pauses.append), asked
        server.shutdown()


def test_a_list_has_what_the_items_of_lists_lack(tmp_path: Path) -> None:
    with api_server(tmp_path, OK) as (cluster, asked):
        assert cluster.objects(DEPLOYMENT, "mcp_fleet=mcp") == [OBJECT]
        assert cluster.requests == {"LIST": 1}
    method, path, headers, _body = asked.seen[0]
    assert (method, path) == ("GET", "/apis/apps/v1/namespaces/mcp/deployments?labelSelector=mcp_fleet%3Dmcp")
    assert headers["authorization"] == "Bearer letmein"


def test_an_apply_is_one_on_the_server_s_side(tmp_path: Path) -> None:
    with api_server(tmp_path, (200, {}, OBJECT)) as (cluster, asked):
        assert cluster.apply(DEPLOYMENT, OBJECT, "mcp-orchestrator", force=True) == OBJECT
    method, path, headers, body = asked.seen[0]
    assert method == "PATCH"
    assert path == "/apis/apps/v1/namespaces/mcp/deployments/mcp-time?fieldManager=mcp-orchestrator&force=True"
    assert {name.lower(): value for name, value in headers.items()}["content-type"] == "application/apply-patch+yaml"
    assert json.loads(body) == OBJECT


def test_a_removal_is_of_the_very_object(tmp_path: Path) -> None:
    with api_server(tmp_path, (409, {}, {"message": "the UID in the precondition does not match"})) as (cluster, asked):
        cluster.remove(SERVICE, "mcp-time", "abc")
    assert json.loads(asked.seen[0][3])["preconditions"] == {"uid": "abc"}


def test_what_the_api_server_puts_off_is_asked_again_when_it_says(tmp_path: Path) -> None:
    later: Answer = (429, {"Retry-After": "3"}, {"message": "too many requests"})
    with api_server(tmp_path, later, (503, {}, "down"), OK) as (cluster, asked):
        assert cluster.objects(SERVICE)
    assert asked.pauses[0] == 3
    assert len(asked.seen) == 3


def test_what_is_put_off_for_ever_is_given_up(tmp_path: Path) -> None:
    with api_server(tmp_path, (429, {"Retry-After": "90"}, {"message": "too many requests"})) as (cluster, asked):
        with pytest.raises(ClusterError, match="cannot list services: too many requests"):
            cluster.objects(SERVICE)
        assert len(asked.seen) == 1, "it would have been asked again after the minute"


def test_an_api_server_that_does_not_answer_is_given_up_and_named(tmp_path: Path) -> None:
    kubeconfig = Asked([]).kubeconfig(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(ClusterError, match=r"cannot list services: http://127\.0\.0\.1:9 does not answer"):
        ApiServer(kubeconfig, "", "mcp", patience=0.2).objects(SERVICE)


def test_a_kind_that_the_cluster_does_not_know_is_none_and_an_object_that_is_not_there_too(tmp_path: Path) -> None:
    with api_server(tmp_path, (404, {}, "404 page not found\n")) as (cluster, _asked):
        assert cluster.objects(INGRESS) is None
        assert cluster.get(INGRESS, "mcp-time") is None


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (409, {"details": {"causes": [CAUSE]}}, "cannot apply it: kubectl-edit owns spec.replicas"),
        (403, {"message": "secrets is forbidden"}, "secrets is forbidden; make bootstrap-kubernetes gives"),
        (401, {"message": "Unauthorized"}, "does not accept the credentials; renew those of the kubeconfig"),
        (404, {"details": {"kind": "namespaces"}}, "the namespace mcp does not exist; an administrator"),
        (404, "404 page not found", "the cluster does not know this kind in this version"),
        (422, {"message": "spec.x: Invalid value"}, "cannot apply it: spec.x: Invalid value"),
        (500, "", "cannot apply it: HTTP 500"),
    ],
)
def test_what_is_refused_is_told_with_the_way_out(status: int, answer: Any, told: str) -> None:
    body = answer if isinstance(answer, str) else json.dumps(answer)
    assert told in str(refusal(status, body, "apply it", "mcp"))


@pytest.mark.parametrize("text", [None, "", "root:x:0:0:root", "{}", "clusters: [1"])
def test_a_kubeconfig_that_is_none_is_told_with_its_name(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ClusterError, match=f"kubeconfig {path} cannot be used: .*; name a file that kubectl can use"):
        ApiServer(str(path), "", "mcp")
