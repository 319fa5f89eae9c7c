# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking an image registry over HTTP, as an anonymous client or with what docker login has left.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md and, for tokens,
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.cosign import SignatureError

try:
    import docker.auth
    import requests
except ImportError:
    pass  # main() says so

MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
PATIENCE = 30  # seconds without a byte
MOST_BYTES = 4 * 1024**2
_HUB = "registry-1.docker.io"
_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Reference:
    """An image's name, taken apart: ``written`` is it without tag and digest."""

    written: str
    registry: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """As docker reads it: without a registry it is on Docker Hub, without a tag it is latest."""
        rest, _at, digest = text.partition("@")
        head, slash, last = rest.rpartition("/")
        name, _colon, tag = last.partition(":")
        written = f"{head}{slash}{name}"
        first, slash, path = written.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            registry, repository = first, path
        else:
            registry, repository = "docker.io", written
        if registry in ("docker.io", "index.docker.io"):
            registry, repository = _HUB, repository if "/" in repository else f"library/{repository}"
        return cls(written, registry, repository, tag or "latest", digest)


class Registry:
    """One repository of a registry. Every method raises SignatureError."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self._session = requests.Session()
        self._session.verify = _certificates(reference.registry)
        self._session.trust_env = True
        self._headers: dict[str, str] = {}

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._session.close()

    def digest(self, tag: str) -> str:
        """Returns the digest of the manifest that a tag names now."""
        content = self._get(f"manifests/{tag}", MANIFESTS)
        if content is None:
            raise SignatureError(f"{self.reference.written}:{tag} is not in its registry; correct the image's name")
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    def manifest(self, tag: str) -> Mapping[str, Any] | None:
        """Returns a manifest; None where the registry has none of this tag."""
        content = self._get(f"manifests/{tag}", MANIFESTS)
        if content is None:
            return None
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise SignatureError(f"{self.reference.written}:{tag} in its registry is not a manifest")
        return found

    def blob(self, digest: str) -> bytes | None:
        """Returns a blob that has this digest; None where the registry has none."""
        content = self._get(f"blobs/{digest}", "*/*")
        return content if content is not None and f"sha256:{hashlib.sha256(content).hexdigest()}" == digest else None

    def _get(self, path: str, accept: str) -> bytes | None:
        with self._errors():
            answer = self._send(path, accept)
            if answer.status_code == requests.codes.unauthorized:
                self._headers = self._authorization(answer.headers.get("WWW-Authenticate", ""))
                answer.close()
                answer = self._send(path, accept)
            with answer:
                if answer.status_code == requests.codes.not_found:
                    return None
                answer.raise_for_status()
                return _bounded(answer)

    def _send(self, path: str, accept: str) -> Any:
        scheme = "http" if _is_loopback(self.reference.registry) else "https"
        url = f"{scheme}://{self.reference.registry}/v2/{self.reference.repository}/{path}"
        return self._session.get(url, headers={"Accept": accept, **self._headers}, stream=True, timeout=PATIENCE)

    def _authorization(self, challenge: str) -> dict[str, str]:
        """The header that answers a challenge."""
        scheme, _blank, rest = challenge.partition(" ")
        user = self._credentials()
        if scheme.lower() == "basic" and user is not None:
            return {"Authorization": requests.auth._basic_auth_str(*user)}
        asked = dict(_CHALLENGE.findall(rest))
        realm = asked.pop("realm", "")
        secure = realm.startswith("https://") or _is_loopback(self.reference.registry)
        if scheme.lower() != "bearer" or not realm or not secure:
            raise SignatureError(
                f"{self.reference.registry} requires credentials for {self.reference.repository}:"
                " docker login on the host"
            )
        scope = {"scope": f"repository:{self.reference.repository}:pull"}
        with self._session.get(realm, params={**asked, **scope}, auth=user, stream=True, timeout=PATIENCE) as answer:
            answer.raise_for_status()
            given = json.loads(_bounded(answer))
        return {"Authorization": f"Bearer {given.get('token') or given['access_token']}"}

    def _credentials(self) -> tuple[str, str] | None:
        hub = self.reference.registry == _HUB
        known = docker.auth.load_config().resolve_authconfig(None if hub else self.reference.registry)
        name, password = (known or {}).get("username"), (known or {}).get("password")
        return (name, password) if name and password else None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        where = self.reference.registry
        try:
            yield
        except requests.exceptions.HTTPError as error:
            if error.response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
                raise SignatureError(
                    f"the registry {where} requires other credentials for {self.reference.repository}:"
                    " docker login on the host"
                ) from error
            raise SignatureError(
                f"the registry {where} answers {error.response.status_code}; try again later"
            ) from error
        except (requests.exceptions.RequestException, docker.errors.DockerException) as error:
            raise SignatureError(
                f"the registry {where} cannot be reached ({type(error).__name__}); check the host's network, DNS and"
                " proxy"
            ) from error
        except (ValueError, KeyError, AttributeError) as error:
            raise SignatureError(f"the registry {where} does not answer as a registry does") from error


def _bounded(answer: Any) -> bytes:
    content = bytearray()
    for chunk in answer.iter_content(65536):
        content += chunk
        if len(content) > MOST_BYTES:
            raise ValueError("too long")
    return bytes(content)


def _is_loopback(registry: str) -> bool:
    """Whether it is on this host: as docker does, those are asked without TLS."""
    host = registry.rpartition(":")[0] or registry
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _certificates(registry: str) -> str | bool:
    """Whose certificates count: of the registry as the engine is told, else the host's own list."""
    files = (f"/etc/docker/certs.d/{registry}/ca.crt", *_CERTIFICATES)
    return next((file for file in files if os.path.exists(file)), True)
