# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.cosign import SignatureError
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.registry import Reference, Registry

MANIFEST = b'{"layers": []}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("x", ("x", "registry-1.docker.io", "library/x", "latest", "")),
        ("a/x:1", ("a/x", "registry-1.docker.io", "a/x", "1", "")),
        ("docker.io/library/x:1", ("docker.io/library/x", "registry-1.docker.io", "library/x", "1", "")),
        ("r.example.com:5000/x", ("r.example.com:5000/x", "r.example.com:5000", "x", "latest", "")),
        ("localhost/x:1", ("localhost/x", "localhost", "x", "1", "")),
        (f"ghcr.io/a/b/x:1@{DIGEST}", ("ghcr.io/a/b/x", "ghcr.io", "a/b/x", "1", DIGEST)),
    ],
)
def test_a_name_is_taken_apart_as_docker_does(text: str, parsed: tuple[str, ...]) -> None:
    assert tuple(vars(Reference.parse(text)).values()) == parsed


class Server(BaseHTTPRequestHandler):
    """A registry of one image that wants a token, or a user, or says what it should not."""

    mode = "open"

    def do_GET(self) -> None:
        user = f"Basic {base64.b64encode(b'ops:secret').decode()}"
        given = self.headers.get("Authorization")
        if self.path.startswith("/token"):
            ok = given == user and "scope=repository%3Ax%2Fy%3Apull" in self.path and "service=here" in self.path
            return self._say(200, b'{"token": "T"}') if ok else self._say(401, b"")
        port = self.server.server_address[1]
        wanted = {"token": "Bearer T", "user": user}.get(self.mode)
        if wanted and given != wanted:
            realm = f'Bearer realm="http://127.0.0.1:{port}/token",service="here"'
            return self._say(401, b"", {"WWW-Authenticate": realm if self.mode == "token" else 'Basic realm="x"'})
        if self.mode == "down":
            return self._say(503, b"")
        if self.mode == "endless":
            return self._say(200, b"x" * (5 * 1024**2))
        if self.path in ("/v2/x/y/manifests/1", f"/v2/x/y/blobs/{DIGEST}"):
            return self._say(200, MANIFEST)
        if self.path == "/v2/x/y/manifests/list":
            return self._say(200, b"[]")
        return self._say(200, b"other") if self.path.startswith("/v2/x/y/blobs/") else self._say(404, b"{}")

    def _say(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host = f"127.0.0.1:{server.server_address[1]}"
    auth = {host: {"auth": base64.b64encode(b"ops:secret").decode()}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auth}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with Registry(Reference.parse(f"{host}/x/y:1")) as client:
        yield client
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("mode", ["open", "token", "user"])
def test_a_registry_is_asked_with_what_docker_login_left(
    registry: Registry, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "mode", mode)
    assert registry.digest("1") == DIGEST
    assert registry.manifest("1") == {"layers": []}
    assert registry.manifest("2") is None
    assert registry.blob(DIGEST) == MANIFEST


def test_a_blob_with_another_digest_than_its_name_is_none(registry: Registry) -> None:
    assert registry.blob("sha256:" + "0" * 64) is None


@pytest.mark.parametrize("mode", ["token", "user"])
def test_without_the_right_credentials_the_way_out_is_docker_login(
    registry: Registry, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "mode", mode)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SignatureError, match="docker login on the host"):
        registry.digest("1")


@pytest.mark.parametrize(("mode", "reason"), [("down", "answers 503"), ("endless", "does not answer as a registry")])
def test_a_registry_that_does_not_answer_as_one_is_a_sentence(
    registry: Registry, mode: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "mode", mode)
    with pytest.raises(SignatureError, match=reason):
        registry.digest("1")


def test_what_is_missing_or_no_manifest_is_a_sentence(registry: Registry) -> None:
    with pytest.raises(SignatureError, match="is not in its registry; correct the image's name"):
        registry.digest("2")
    with pytest.raises(SignatureError, match="is not a manifest"):
        registry.manifest("list")


def test_a_registry_that_is_not_there_is_a_sentence() -> None:
    with (
        Registry(Reference.parse("127.0.0.1:1/x/y")) as registry,
        pytest.raises(SignatureError, match="cannot be reached"),
    ):
        registry.digest("1")
