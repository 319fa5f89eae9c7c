# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few calls that are made to a Docker engine, with its failures as one kind of exception."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.labels import FLEET
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.pull_failure import pull_failure
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.pull_progress import PullProgress

try:
    import docker
    import docker.errors
    import docker.utils
    import requests.exceptions

    DOCKER_ERROR = None
except ImportError:
    DOCKER_ERROR = traceback.format_exc()

STOP_SECONDS = 10
CALL_SECONDS = 60
_PIECES = 64
_LONGEST_LINE = 500


class EngineError(Exception):
    """A call that failed; the sentence is for people. ``port_taken``: another program holds the published port."""

    def __init__(self, message: str, port_taken: bool = False) -> None:
        super().__init__(message)
        self.port_taken = port_taken


class NetworkInUse(EngineError):
    """A network cannot be removed because ``containers``, by name, are connected to it."""

    def __init__(self, message: str, containers: Sequence[str]) -> None:
        super().__init__(message)
        self.containers = tuple(containers)


class EngineUnreachable(EngineError):
    """The engine itself does not answer; no further call makes sense."""


class Engine(Protocol):
    """What observing and applying need of an engine; the answers are the engine API's own JSON."""

    @property
    def local(self) -> bool:
        """Whether the engine runs on this host, so that this host's listening ports are its ports."""

    def info(self) -> dict[str, Any]:
        """Returns what the engine says of itself; ``Components`` names its programs."""

    def containers(self) -> list[dict[str, Any]]:
        """Returns all containers, also stopped ones, as listed."""

    def container(self, identity: str) -> dict[str, Any] | None:
        """Returns one container, inspected; None when it is gone."""

    def image(self, reference: str) -> dict[str, Any] | None:
        """Returns one image, inspected; None when this host does not hold it."""

    def networks(self, names: Sequence[str], fleet: str | None = None) -> list[dict[str, Any]]:
        """Returns those of the named networks that are there, as listed, and all others that a fleet made."""

    def registry_digest(self, reference: str) -> str:
        """Returns the digest that the image's registry has for it now."""

    def pull(self, reference: str, platform: str | None = None) -> None:
        """Fetches an image from its registry."""

    def create_container(self, name: str, body: Mapping[str, Any], platform: str | None = None) -> str:
        """Makes a container and gives its id."""

    def start(self, identity: str) -> None:
        """Starts a container."""

    def stop(self, identity: str, patience: int = STOP_SECONDS) -> None:
        """Stops a container, after ``patience`` seconds by force; nothing happens when it is gone."""

    def restart(self, identity: str) -> None:
        """Stops and starts a container."""

    def unpause(self, identity: str) -> None:
        """Lets a paused container go on."""

    def update(self, identity: str, limits: Mapping[str, Any]) -> None:
        """Changes limits and restart policy of a container."""

    def rename(self, identity: str, name: str) -> None:
        """Gives a container another name."""

    def remove(self, identity: str) -> None:
        """Removes a container with its anonymous volumes; nothing happens when it is gone."""

    def remove_image(self, identity: str) -> None:
        """Removes an image; nothing happens when it is gone, or when a container or another name still needs it."""

    def create_network(self, body: Mapping[str, Any]) -> None:
        """Makes a network."""

    def connect(self, network: str, identity: str) -> None:
        """Has a container join one more network, by its name."""

    def execute(self, identity: str, command: Sequence[str], seconds: float) -> int | None:
        """Runs a command in a container and returns what it ends with; None: not in time."""

    def remove_network(self, identity: str) -> None:
        """Removes a network; nothing happens when it is gone. Raises NetworkInUse while a container is in it."""

    def volumes(self, label: str) -> list[dict[str, Any]]:
        """Returns the volumes that bear a label, given as ``name=value``."""

    def volume(self, name: str) -> dict[str, Any] | None:
        """Returns one volume, inspected; None when there is none of that name."""

    def create_volume(self, name: str, labels: Mapping[str, str]) -> str:
        """Makes an empty volume, unless it is there, and gives its directory on the engine's host."""

    def remove_volume(self, name: str) -> None:
        """Removes a volume; nothing happens when it is gone."""

    def last_lines(self, identity: str, count: int) -> list[str]:
        """Returns the last lines that a container wrote; empty when they cannot be had."""


class DockerEngine:
    """An engine over the Docker SDK. ``address`` as in DOCKER_HOST; None takes the environment's, else the socket.

    Raises EngineUnreachable when it does not answer.
    """

    def __init__(self, address: str | None = None, timeout: int = CALL_SECONDS) -> None:
        self.address = address or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        with self._errors(None):
            options: dict[str, Any] = dict(docker.utils.kwargs_from_env())
            options["base_url"] = self.address
            # The user's own ssh, with its config, agent and known hosts, instead of a library's.
            options["use_ssh_client"] = self.address.startswith("ssh://")
            self._api: Any = docker.APIClient(version="auto", timeout=timeout, **options)
            # A proxy has no part in a socket of this host, and looking for one takes a third of each call.
            self._api.trust_env = not self.local

    def close(self) -> None:
        """Closes the connections."""
        self._api.close()

    @contextmanager
    def client(self, what: str) -> Iterator[Any]:
        """Lends the SDK's APIClient for calls that this class does not have; ``what`` completes "could not …".

        Raises EngineError for what the SDK raises, and EngineUnreachable.
        """
        try:
            yield self._api
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise self._failure(what, error) from error

    @property
    def local(self) -> bool:
        """Whether the engine runs on this host, so that this host's listening ports are its ports."""
        return self.address.startswith(("unix://", "http+unix://", "/"))

    def info(self) -> dict[str, Any]:
        with self._errors("describe itself"):
            return {**self._api.info(), "Components": self._api.version().get("Components") or ()}

    def containers(self) -> list[dict[str, Any]]:
        with self._errors("list the containers"):
            return list(self._api.containers(all=True))

    def container(self, identity: str) -> dict[str, Any] | None:
        with self._errors("inspect a container"):
            try:
                return dict(self._api.inspect_container(identity))
            except docker.errors.NotFound:
                return None

    def image(self, reference: str) -> dict[str, Any] | None:
        with self._errors(f"inspect image {reference}"):
            try:
                return dict(self._api.inspect_image(reference))
            except docker.errors.NotFound:
                return None

    def networks(self, names: Sequence[str], fleet: str | None = None) -> list[dict[str, Any]]:
        with self._errors("list the networks"):
            # The list filters by parts of names; inspecting by name would prefer an id that begins with it.
            ours = self._api.networks(filters={"label": f"{FLEET}={fleet}"}) if fleet is not None else []
            found = {each["Id"]: dict(each) for each in (*self._api.networks(names=list(names)), *ours)}
            return [each for each in found.values() if each["Name"] in names or each in ours]

    def registry_digest(self, reference: str) -> str:
        with self._errors(f"pull {reference}"):
            return str(self._api.inspect_distribution(reference)["Descriptor"]["digest"])

    def pull(self, reference: str, platform: str | None = None) -> None:
        with self._errors(f"pull {reference}"):
            progress = PullProgress(reference)
            for line in self._api.pull(reference, stream=True, decode=True, platform=platform):
                if "error" in line:
                    raise EngineError(pull_failure(reference, str(line["error"])))
                progress.feed(line)
            progress.done()

    def create_container(self, name: str, body: Mapping[str, Any], platform: str | None = None) -> str:
        with self._errors(f"create {name}"):
            return str(self._api.create_container_from_config(body, name, platform)["Id"])

    def start(self, identity: str) -> None:
        with self._errors("start the container"):
            self._api.start(identity)

    def stop(self, identity: str, patience: int = STOP_SECONDS) -> None:
        with self._errors("stop the container"), _gone_is_fine():
            self._api.stop(identity, timeout=patience)

    def restart(self, identity: str) -> None:
        with self._errors("restart the container"):
            self._api.restart(identity, timeout=STOP_SECONDS)

    def unpause(self, identity: str) -> None:
        with self._errors("unpause the container"):
            self._api.unpause(identity)

    def update(self, identity: str, limits: Mapping[str, Any]) -> None:
        # The SDK's own method knows neither NanoCpus nor PidsLimit.
        with self._errors("update the container's limits"):
            url = f"{self._api.base_url}/v{self._api.api_version}/containers/{identity}/update"
            answer = self._api.post(url, json=dict(limits), timeout=self._api.timeout)
            if not answer.ok:
                raise EngineError(
                    f"the engine could not update the container's limits: {answer.text.strip()};"
                    " if it does not support that (podman 4), remove the container (docker rm -f) and run again"
                )

    def rename(self, identity: str, name: str) -> None:
        with self._errors(f"rename the container to {name}"):
            self._api.rename(identity, name)

    def remove(self, identity: str) -> None:
        with self._errors("remove the container"), _gone_is_fine():
            self._api.remove_container(identity, v=True, force=True)

    def remove_image(self, identity: str) -> None:
        with self._errors("remove an image"), _gone_is_fine():
            try:
                self._api.remove_image(identity)
            except docker.errors.APIError as error:
                if error.status_code != HTTPStatus.CONFLICT:
                    raise

    def create_network(self, body: Mapping[str, Any]) -> None:
        with self._errors(f"create network {body['Name']}"):
            self._api.create_network(
                body["Name"],
                driver=body["Driver"],
                options=body["Options"],
                labels=body["Labels"],
                check_duplicate=body["CheckDuplicate"],
                internal=body["Internal"],
            )

    def connect(self, network: str, identity: str) -> None:
        with self._errors(f"connect the container to {network}"):
            self._api.connect_container_to_network(identity, network)

    def execute(self, identity: str, command: Sequence[str], seconds: float) -> int | None:
        deadline = time.monotonic() + seconds
        with self._errors(f"run {command[0]} in the container"):
            made = self._api.exec_create(identity, list(command), stdout=False, stderr=False)["Id"]
            self._api.exec_start(made, detach=True)
            while (found := self._api.exec_inspect(made))["Running"] or found["ExitCode"] is None:
                if time.monotonic() >= deadline:
                    return None
                time.sleep(0.05)
        return int(found["ExitCode"])

    def remove_network(self, identity: str) -> None:
        try:
            with self._errors("remove a network of the fleet"), _gone_is_fine():
                self._api.remove_network(identity)
        except EngineError as error:
            # An engine says no in words of its own; whether somebody is in the network, all of them tell alike.
            if inside := self._inside(identity):
                raise NetworkInUse(str(error), inside) from error
            raise

    def _inside(self, network: str) -> list[str]:
        """The names of the containers that are connected to a network; none where the engine does not tell."""
        try:
            with self._errors("inspect a network of the fleet"):
                found = self._api.inspect_network(network).get("Containers") or {}
        except EngineError:
            return []
        return sorted(each.get("Name") or identity for identity, each in found.items())

    def volumes(self, label: str) -> list[dict[str, Any]]:
        with self._errors("list the volumes"):
            return list(self._api.volumes(filters={"label": label})["Volumes"] or ())

    def volume(self, name: str) -> dict[str, Any] | None:
        with self._errors(f"inspect volume {name}"):
            try:
                return dict(self._api.inspect_volume(name))
            except docker.errors.NotFound:
                return None

    def create_volume(self, name: str, labels: Mapping[str, str]) -> str:
        with self._errors(f"create volume {name}"):
            return str(self._api.create_volume(name, labels=dict(labels))["Mountpoint"])

    def remove_volume(self, name: str) -> None:
        with self._errors(f"remove volume {name}"), _gone_is_fine():
            self._api.remove_volume(name)

    def last_lines(self, identity: str, count: int) -> list[str]:
        try:
            with self._errors("read the container's log"):
                # The engine counts pieces of 16 KiB, and glues those of one line together.
                text: str = self._api.logs(identity, tail=count + _PIECES).decode("utf-8", "replace")
                return [_shortened(line) for line in text.splitlines()[-count:]]
        except EngineError:
            return []

    @contextmanager
    def _errors(self, what: str | None) -> Iterator[None]:
        """Raises as EngineError what the SDK raises; ``what`` completes "could not …", None stands for connecting."""
        try:
            yield
        except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
            raise self._failure(what or "connect", error) from error

    def _failure(self, what: str, error: Exception) -> EngineError:
        if isinstance(error, docker.errors.APIError):
            return _api_failure(what, error)
        if isinstance(error, requests.exceptions.Timeout):
            return EngineUnreachable(
                f"the Docker engine at {self.address} did not answer in time; is it overloaded or hung?"
                " (systemctl status docker)"
            )
        return EngineUnreachable(
            f"no Docker engine answers at {self.address}: {_innermost(error)};"
            " start it (systemctl start docker) or correct DOCKER_HOST"
        )


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} … ({len(line)} characters)"


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except docker.errors.NotFound:
        return
    except docker.errors.APIError as error:
        if "already in progress" not in str(error.explanation):
            raise


def _api_failure(what: str, error: Any) -> EngineError:
    text = str(error.explanation or error)
    lowered = text.lower()
    port_taken = any(each in lowered for each in ("port is already allocated", "address already in use"))
    if what.startswith("pull "):
        return EngineError(pull_failure(what.removeprefix("pull "), text))
    if "no space left on device" in lowered:
        text = f"{text}; the disk is full: free some space (docker system df) and run again"
    if "container-init binary not found" in lowered:
        text = f"{text}; podman needs catatonit for that: install the package catatonit"
    return EngineError(f"the engine could not {what}: {text}", port_taken)


def _innermost(error: BaseException) -> str:
    """The operating system's own words, without the wrappings of the libraries in between."""
    seen: Sequence[Any] = [error]
    while seen:
        current = seen[0]
        if isinstance(current, OSError) and current.strerror:
            return str(current.strerror)
        parts = [each for each in getattr(current, "args", ()) if isinstance(each, BaseException)]
        reason = getattr(current, "reason", None)
        linked = [each for each in (reason, current.__cause__, current.__context__) if isinstance(each, BaseException)]
        seen = [*parts, *linked]
    return str(error)
