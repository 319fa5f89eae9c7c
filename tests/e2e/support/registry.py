"""A real image registry on loopback: Debian's docker-registry, unpacked and not installed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import until

PATIENCE = 30  # seconds


class Registry:
    """Its address, and what a publisher does: push an image, sign it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._docker = docker.from_env()

    def push(self, image: str, name: str) -> str:
        """Pushes a local image under a name with a tag; gives its digest. Nothing of it stays on the engine."""
        repository, tag = name.split(":")
        full = f"{self.address}/{repository}"
        self._docker.images.get(image).tag(full, tag)
        for line in self._docker.api.push(full, tag, stream=True, decode=True):
            assert "error" not in line, line
            digest = line.get("aux", {}).get("Digest", "")
        self._docker.images.remove(f"{full}:{tag}")
        return digest

    def sign(self, repository: str, digest: str, key: ec.EllipticCurvePrivateKey) -> None:
        """Signs an image by digest and stores that as cosign does.

        https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
        """
        critical = {
            "identity": {"docker-reference": f"{self.address}/{repository}"},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        }
        payload = json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()
        signature = base64.b64encode(key.sign(payload, ec.ECDSA(SHA256()))).decode()
        kinds = ("application/vnd.oci.image.config.v1+json", "application/vnd.dev.cosign.simplesigning.v1+json")
        config, layer = (
            {"mediaType": kind, "size": len(content), "digest": self._upload(repository, content)}
            for kind, content in zip(kinds, (b"{}", payload), strict=True)
        )
        layer["annotations"] = {"dev.cosignproject.cosign/signature": signature}
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}
        tag = f"{digest.replace(':', '-')}.sig"
        self._ask("PUT", f"{repository}/manifests/{tag}", json.dumps(manifest).encode(), kind)

    def _upload(self, repository: str, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        location = self._ask("POST", f"{repository}/blobs/uploads/", b"").headers["Location"]
        joint = "&" if "?" in location else "?"
        path = location.partition("/v2/")[2]
        self._ask("PUT", f"{path}{joint}digest={digest}", content, "application/octet-stream")
        return digest

    def _ask(self, method: str, path: str, body: bytes, kind: str = "") -> Any:
        headers = {"Content-Type": kind} if kind else {}
        request = urllib.request.Request(f"http://{self.address}/v2/{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            answer.read()
            return answer


@contextmanager
def running_registry(folder: Path) -> Iterator[Registry]:
    """A registry with its storage in ``folder``; it ends with the body."""
    if not list(folder.glob("*.deb")):
        subprocess.run(["apt-get", "download", "-qq", "docker-registry"], cwd=folder, check=True, capture_output=True)
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder / "package")], check=True)
    address = f"127.0.0.1:{free_port()}"
    (folder / "config.yml").write_text(
        json.dumps(
            {
                "version": 0.1,
                "log": {"level": "error"},
                "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
                "http": {"addr": address},
            }
        )
    )
    program = [str(folder / "package" / "usr" / "bin" / "docker-registry"), "serve", str(folder / "config.yml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(program, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]})
    try:
        until(lambda: process.poll() is not None or _answers(address), "the registry answers")
        assert process.poll() is None, (folder / "log").read_text()
        yield Registry(address)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/v2/", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
