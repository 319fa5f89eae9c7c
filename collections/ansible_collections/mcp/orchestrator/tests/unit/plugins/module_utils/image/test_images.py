# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.converge import Outcome, converge_images
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.engine import engine
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import EngineError, ImageError
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.template import read_template
from docker.errors import APIError, ImageNotFound
from requests.exceptions import ReadTimeout

BASES = {"node": "node:22-slim", "python": "python:3.12-slim"}


class Engine:
    """An engine that builds whatever it is given, unless told that a package is not to be had."""

    def __init__(self, missing: str = "") -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.builds: list[dict[str, Any]] = []
        self.containers: list[str] = []
        self.missing = missing

    def inspect_image(self, name: str) -> dict[str, Any]:
        if name not in self.images:
            raise ImageNotFound("none")
        return self.images[name]

    def build(self, fileobj: io.BytesIO, **options: Any) -> Iterator[dict[str, Any]]:
        with tarfile.open(fileobj=fileobj) as tar:
            files = {entry.name: tar.extractfile(entry).read().decode() for entry in tar}  # type: ignore[union-attr]
        self.builds.append({"files": files, **options})
        if self.missing and self.missing in str(files.values()):
            yield {"stream": "Step 5/9 : RUN npm install\n"}
            yield {"stream": "\x1b[91mnpm error code E404\nnpm error 404 Not Found - GET https://registry/x\n\x1b[0m"}
            yield {"error": "The command '/bin/sh -c npm install' returned a non-zero code: 1"}
            return
        identity = f"sha256:{len(self.builds):064d}"
        if "tag" in options:
            self.images[options["tag"]] = {"Id": identity, "Config": {"Labels": options["labels"]}}
        yield {"stream": "ok"}
        yield {"aux": {"ID": identity}}

    def create_container(self, image: str, labels: dict[str, str]) -> dict[str, str]:
        self.containers.append(image)
        return {"Id": image}

    def get_archive(self, container: str, path: str) -> tuple[list[bytes], dict[str, Any]]:
        content = json.dumps({"package": "found", "version": "1.2.3", "digest": "sha256:d"}).encode()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo(path.rpartition("/")[2])
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        return [archive.getvalue()], {}

    def remove_container(self, container: str, force: bool) -> None:
        self.containers.remove(container)


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    for runtime in BASES:
        (tmp_path / runtime).mkdir()
        (tmp_path / runtime / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    return tmp_path


def spec(name: str, recipe: Recipe, enabled: bool = True) -> Spec:
    return Spec(name=name, image=recipe.image, build=recipe.to_dict(), enabled=enabled)


def converge(client: Engine, templates: Path, *specs: Spec, dry_run: bool = False) -> Outcome:
    return converge_images(client, specs, str(templates), BASES, dry_run=dry_run)


NPX = Recipe("node", "@scope/server", "1.2", ("typescript",))
UVX = Recipe("python", "server[x]", ">=1", executable="server")


def test_a_missing_image_is_built_labelled_and_left_alone_the_second_time(templates: Path) -> None:
    client = Engine()
    first = converge(client, templates, spec("a", NPX), spec("b", NPX), spec("c", UVX))
    assert first.changed
    assert [(image["servers"], image["action"], image["version"]) for image in first.images] == [
        (["a", "b"], "built", "1.2.3"),
        (["c"], "built", "1.2.3"),
    ]
    labels = client.images[NPX.image]["Config"]["Labels"]
    assert {key: labels[key] for key in ("mcp_package", "mcp_version", "mcp_package_digest")} == {
        "mcp_package": "found",
        "mcp_version": "1.2.3",
        "mcp_package_digest": "sha256:d",
    }
    assert not client.containers
    builds = len(client.builds)
    second = converge(client, templates, spec("a", NPX), spec("c", UVX))
    assert not second.changed
    assert [image["action"] for image in second.images] == ["none", "none"]
    assert len(client.builds) == builds


def test_the_build_gets_the_packages_the_recipe_and_the_base(templates: Path) -> None:
    client = Engine()
    converge(client, templates, spec("a", NPX))
    converge(client, templates, spec("b", UVX))
    converge(client, templates, spec("g", Recipe("node", "git+https://github.com/x/y.git", git=True)))
    npx, uvx, git = (build for build in client.builds if "tag" not in build)
    assert npx["files"]["packages.txt"] == "@scope/server@1.2\ntypescript\n"
    assert uvx["files"]["requirements.txt"] == "server[x]>=1\n"
    assert json.loads(uvx["files"]["recipe.json"])["executable"] == "server"
    assert npx["buildargs"] == {"BASE": "node:22-slim"}
    assert git["buildargs"] == {"BASE": "node:22-slim", "GIT": "1"}


def test_a_changed_template_or_base_builds_again(templates: Path) -> None:
    client = Engine()
    converge(client, templates, spec("a", NPX))
    (templates / "node" / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN true\n")
    outcome = converge(client, templates, spec("a", NPX))
    assert [image["reason"] for image in outcome.images] == ["the runtime template has changed"]
    other = converge_images(client, [spec("a", NPX)], str(templates), {**BASES, "node": "mine"}, dry_run=False)
    assert other.changed


def test_an_image_of_somebody_elses_is_not_taken_for_ours(templates: Path) -> None:
    client = Engine()
    client.images[NPX.image] = {"Id": "sha256:x", "Config": {"Labels": None}}
    outcome = converge(client, templates, spec("a", NPX), dry_run=True)
    assert [image["reason"] for image in outcome.images] == ["the image of this name was not built here"]


def test_check_mode_tells_what_would_be_built_and_builds_nothing(templates: Path) -> None:
    client = Engine()
    outcome = converge(client, templates, spec("a", NPX), dry_run=True)
    assert outcome.changed
    assert [(image["action"], image["id"]) for image in outcome.images] == [("build", None)]
    assert (outcome.before, outcome.after) == (
        f"{NPX.image}: absent\n",
        f"{NPX.image}: built, because it is not there\n",
    )
    assert not client.builds


def test_disabled_servers_and_servers_with_an_image_are_left_alone(templates: Path) -> None:
    client = Engine()
    outcome = converge(client, templates, spec("a", NPX, enabled=False), Spec(name="b", image="mcp/time"))
    assert not outcome.changed
    assert not outcome.images


def test_a_package_that_is_not_to_be_had_fails_its_servers_alone(templates: Path) -> None:
    client = Engine(missing="@scope/server")
    outcome = converge(client, templates, spec("a", NPX), spec("b", NPX), spec("c", UVX))
    assert [error["server"] for error in outcome.errors] == ["a", "b"]
    assert outcome.errors[0]["message"] == (
        f"a: {NPX.image} could not be built: 404 Not Found - GET https://registry/x; look at the package's name and "
        "version, and whether this host reaches its registry"
    )
    assert [image["servers"] for image in outcome.images] == [["c"]]


def test_an_engine_that_refuses_is_a_sentence(templates: Path) -> None:
    class Refusing(Engine):
        def build(self, fileobj: io.BytesIO, **options: Any) -> Iterator[dict[str, Any]]:
            raise APIError("no", explanation="no space left on device")

    outcome = converge(Refusing(), templates, spec("a", NPX))
    assert "could not be built: no space left on device" in outcome.errors[0]["message"]


def test_a_runtime_without_a_template_fails_its_servers(tmp_path: Path) -> None:
    outcome = converge(Engine(), tmp_path, spec("a", NPX))
    assert "cannot be read: No such file or directory; run setup.sh again" in outcome.errors[0]["message"]
    (tmp_path / "node").mkdir()
    with pytest.raises(ImageError, match="has no Dockerfile"):
        read_template(str(tmp_path), "node", "x")


def test_the_context_is_the_same_for_the_same_recipe(templates: Path) -> None:
    template = read_template(str(templates), "node", "x")
    assert template.context(NPX).getvalue() == template.context(NPX).getvalue()
    assert template.digest(NPX) != template.digest(UVX)


def test_no_engine_is_a_sentence() -> None:
    with (
        pytest.raises(EngineError, match="no Docker engine answers at unix:///nonexistent"),
        engine("unix:///nonexistent/docker.sock"),
    ):
        pass


def test_an_engine_that_goes_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def __init__(self, **_options: Any) -> None:
            pass

        def close(self) -> None:
            pass

    monkeypatch.setattr("docker.APIClient", Client)
    for error, message in (
        (ReadTimeout(), "the Docker engine went away"),
        (APIError("x", explanation="broken"), "the Docker engine refused: broken"),
    ):
        with pytest.raises(EngineError, match=message), engine(None):
            raise error
