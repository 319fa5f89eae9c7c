# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An engine that builds whatever it is given, unless told that a package is not to be had."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Iterator
from typing import Any

from docker.errors import APIError, ImageNotFound, NotFound
from requests.exceptions import ChunkedEncodingError

BASES = {"node": "node:22-slim", "python": "python:3.12-slim"}
_FILES = {
    "/opt/server/installed.json": {"package": "found", "version": "1.2.3", "digest": "sha256:d"},
    "/opt/server/node_modules/.package-lock.json": {"packages": {"node_modules/found": {"version": "1.2.3"}}},
}


class Answer:
    """What the engine answers to a request to build; ``endless`` says nothing until it is shut down."""

    def __init__(self, text: str, ok: bool = True, endless: bool = False) -> None:
        self.text, self.ok, self.closed = text, ok, False
        self.raw = self
        self._shut = threading.Event()
        self._endless = endless

    def iter_lines(self) -> Iterator[bytes]:
        yield from self.text.encode().splitlines()
        if self._endless and self._shut.wait(20):
            raise ChunkedEncodingError

    def shutdown(self) -> None:
        self._shut.set()

    def close(self) -> None:
        self.closed = True


class Engine:
    """``bases`` are there, by name with the digest of their registry; ``registry`` has what can be pulled."""

    base_url, api_version = "http+docker://x", "1.41"

    def __init__(
        self,
        missing: str = "",
        bases: dict[str, str] | None = None,
        registry: dict[str, str] | None = None,
        history: list[dict[str, Any]] | None = None,
    ) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.bases = {"node:22-slim": "", "python:3.12-slim": "", "mine": ""} if bases is None else bases
        self.registry = registry or {}
        self.pulled: list[str] = []
        self.pushed: list[str] = []
        self.refusal = ""
        self.builds: list[dict[str, Any]] = []
        self.containers: list[str] = []
        self.missing = missing
        self.dangling: list[dict[str, Any]] = []
        self.used: set[str] = set()
        self._history = history

    def inspect_image(self, name: str) -> dict[str, Any]:
        by_id = {image["Id"]: image for image in self.held.values()}
        if name in self.bases:
            digests = [f"{name.partition(':')[0]}@{self.bases[name]}"] if self.bases[name] else []
            return {"Id": f"sha256:{name}", "RepoDigests": digests, "Config": {}, "Created": "2026-01-01T00:00:00Z"}
        if name not in self.held | by_id:
            raise ImageNotFound("none")
        return (self.held | by_id)[name]

    def history(self, name: str) -> list[dict[str, Any]]:
        if self._history is not None:
            return self._history[-1:] if name.removeprefix("sha256:") in self.bases else self._history
        return [{"Created": 0}]

    def pull(self, name: str, **_options: Any) -> Iterator[dict[str, Any]]:
        if name not in self.registry:
            raise APIError("no", explanation="manifest unknown")
        self.pulled.append(name)
        self.bases[name] = self.registry[name]
        yield {"status": "done"}

    def post(self, url: str, **options: Any) -> Answer:
        with tarfile.open(fileobj=io.BytesIO(options["data"])) as tar:
            files = {entry.name: tar.extractfile(entry).read().decode() for entry in tar}  # type: ignore[union-attr]
        given = options["params"]
        plain = {key: json.loads(given[key]) for key in ("labels", "buildargs")}
        self.builds.append({**given, **plain, "files": files, "headers": options["headers"]})
        if self.missing and self.missing in str(files.values()):
            complaint = "\x1b[91mnpm error code E404\nnpm error 404 Not Found - GET https://registry/x\n\x1b[0m"
            said: list[dict[str, Any]] = [
                {"stream": "Step 5/9 : RUN npm install\n"},
                {"stream": complaint},
                {"error": "The command '/bin/sh -c npm install' returned a non-zero code: 1"},
            ]
            return Answer("".join(f"{json.dumps(each)}\r\n" for each in said))
        identity = f"sha256:{len(self.builds):064d}"
        if "t" in given:
            config = {"Labels": plain["labels"]}
            self.held[given["t"]] = {"Id": identity, "Config": config, "Created": "2026-01-01T00:00:00Z"}
        said = [{"stream": "ok"}, {"aux": {"ID": identity}}]
        return Answer("".join(f"{json.dumps(each)}\r\n" for each in said))

    def tag(self, image: str, repository: str, tag: str, force: bool) -> None:
        self.held[f"{repository}:{tag}"] = self.held[image]

    def push(self, repository: str, tag: str, **_options: Any) -> Iterator[dict[str, Any]]:
        image = self.held[f"{repository}:{tag}"]
        self.pushed.append(f"{repository}:{tag}")
        yield {"status": "Preparing"}
        if self.refusal:
            yield {"error": self.refusal, "errorDetail": {"message": self.refusal}}
            return
        digest = f"sha256:of-{image['Id'][-3:]}"
        image.setdefault("RepoDigests", []).append(f"{repository}@{digest}")
        yield {"aux": {"Tag": tag, "Digest": digest, "Size": 9}}

    def create_container(self, image: str, labels: dict[str, str]) -> dict[str, str]:
        self.containers.append(image)
        return {"Id": image}

    def get_archive(self, container: str, path: str) -> tuple[list[bytes], dict[str, Any]]:
        if path not in _FILES:
            raise NotFound("none")
        content = json.dumps(_FILES[path]).encode()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo(path.rpartition("/")[2])
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        return [archive.getvalue()], {}

    def remove_container(self, container: str, force: bool) -> None:
        self.containers.remove(container)

    def remove_image(self, identity: str) -> None:
        if identity in self.used:
            raise APIError("conflict", explanation="a container uses it")
        self.dangling = [each for each in self.dangling if each["Id"] != identity]

    def images(self, filters: dict[str, Any]) -> list[dict[str, Any]]:
        assert filters["dangling"]
        return list(self.dangling)
