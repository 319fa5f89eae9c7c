# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import DockerEngine, EngineError
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.builder import Limits
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.plan import Present, Renewal
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.reconcile import DesiredImages, Outcome, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.template import read_template
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.image.scripted_builder import (
    BASES,
    Answer,
    Engine,
)
from docker.errors import APIError
from requests.exceptions import ReadTimeout


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    for runtime in BASES:
        (tmp_path / runtime).mkdir()
        (tmp_path / runtime / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    return tmp_path


def spec(name: str, recipe: Recipe, enabled: bool = True) -> Spec:
    return Spec(name=name, image=recipe.image, build=recipe.to_dict(), enabled=enabled)


def converge(client: Engine, templates: Path, *specs: Spec, dry_run: bool = False, **options: Any) -> Outcome:
    desired = DesiredImages(specs, str(templates), **{"bases": BASES, **options})
    return reconcile(client, desired, dry_run=dry_run)


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
    labels = client.held[NPX.image]["Config"]["Labels"]
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
    npx, uvx, git = (build for build in client.builds if "t" not in build)
    assert npx["files"]["packages.txt"] == "@scope/server@1.2\ntypescript\n"
    assert uvx["files"]["requirements.txt"] == "server[x]>=1\n"
    assert json.loads(uvx["files"]["recipe.json"])["executable"] == "server"
    assert npx["buildargs"] == {"BASE": "sha256:node:22-slim"}
    assert git["buildargs"] == {"BASE": "sha256:node:22-slim", "GIT": "1"}


def test_a_changed_template_or_base_builds_again(templates: Path) -> None:
    client = Engine()
    converge(client, templates, spec("a", NPX))
    (templates / "node" / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN true\n")
    outcome = converge(client, templates, spec("a", NPX))
    assert [image["reason"] for image in outcome.images] == ["the runtime template has changed"]
    other = converge(client, templates, spec("a", NPX), bases={**BASES, "node": "mine"})
    assert other.changed


def test_an_image_of_somebody_elses_is_not_taken_for_ours(templates: Path) -> None:
    client = Engine()
    client.held[NPX.image] = {"Id": "sha256:x", "Config": {"Labels": None}}
    outcome = converge(client, templates, spec("a", NPX), dry_run=True)
    assert [image["reason"] for image in outcome.images] == ["the image of this name was not built here"]


def test_check_mode_tells_what_would_be_built_and_builds_nothing(templates: Path) -> None:
    client = Engine()
    outcome = converge(client, templates, spec("a", NPX), dry_run=True)
    assert outcome.changed
    assert [(image["action"], image["id"]) for image in outcome.images] == [("build", None)]
    assert (outcome.before, outcome.after) == (
        f"{NPX.image}: absent\n",
        f"{NPX.image}: built, because it is missing\n",
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
        f"{NPX.image} could not be built: 404 Not Found - GET https://registry/x; check the package's name and "
        "version, and that this host reaches its registry"
    )
    assert [image["servers"] for image in outcome.images] == [["c"]]


def test_an_engine_that_refuses_is_a_sentence(templates: Path) -> None:
    class Refusing(Engine):
        def post(self, url: str, **_options: Any) -> Answer:
            return Answer(json.dumps({"message": "no space left on device"}), ok=False)

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
    assert template.context(NPX) == template.context(NPX)
    assert template.digest(NPX) != template.digest(UVX)


def test_no_engine_is_a_sentence() -> None:
    with pytest.raises(EngineError, match="no Docker engine answers at unix:///nonexistent"):
        DockerEngine("unix:///nonexistent/docker.sock")


def test_an_engine_that_goes_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def __init__(self, **_options: Any) -> None:
            pass

        def close(self) -> None:
            pass

    monkeypatch.setattr("docker.APIClient", Client)
    for error, message in (
        (ReadTimeout(), "did not answer in time"),
        (APIError("x", explanation="broken"), "the engine could not build images: broken"),
    ):
        with pytest.raises(EngineError, match=message), DockerEngine().client("build images"):
            raise error


def test_a_build_may_take_what_its_limits_say_and_gets_no_credentials(templates: Path) -> None:
    client = Engine()
    converge(client, templates, spec("a", NPX), limits=Limits(memory=64 * 1024**2, cpus=0.5, timeout=60))
    assert client.builds
    for build in client.builds:
        assert (build["memory"], build["memswap"]) == (64 * 1024**2, 64 * 1024**2)
        assert build["cpuquota"] / build["cpuperiod"] == 0.5
        assert set(build["headers"]) == {"Content-Type"}


def test_a_build_that_goes_on_for_too_long_is_ended(templates: Path) -> None:
    class Slow(Engine):
        def post(self, url: str, **_options: Any) -> Answer:
            self.answer = Answer("", endless=True)
            return self.answer

    client = Slow()
    begun = time.monotonic()
    outcome = converge(client, templates, spec("a", NPX), limits=Limits(timeout=1))
    assert time.monotonic() - begun < 60
    assert "it took over 1 s; set [builds] timeout in settings.conf if it needs more" in outcome.errors[0]["message"]
    assert client.answer.closed


def test_a_build_that_is_killed_names_the_limit_of_memory(templates: Path) -> None:
    class Killed(Engine):
        def post(self, url: str, **_options: Any) -> Answer:
            return Answer(json.dumps({"error": "returned 137", "errorDetail": {"code": 137}}) + "\r\n")

    outcome = converge(Killed(), templates, spec("a", NPX))
    assert "the limit of 2048 MiB of memory; set [builds] memory in settings.conf" in outcome.errors[0]["message"]


def test_a_log_without_end_ends_the_build(templates: Path) -> None:
    class Talking(Engine):
        def post(self, url: str, **_options: Any) -> Answer:
            return Answer((json.dumps({"stream": "x" * 1024**2}) + "\r\n") * 17)

    assert "its log is over 16 MiB" in converge(Talking(), templates, spec("a", NPX)).errors[0]["message"]


def test_a_template_with_more_than_a_build_needs_is_refused(templates: Path) -> None:
    (templates / "node" / "dump").write_bytes(b"x" * 5 * 1024**2)
    client = Engine()
    assert "is over 4 MiB" in converge(client, templates, spec("a", NPX)).errors[0]["message"]
    assert not client.builds


def test_the_base_is_pulled_where_it_is_missing_and_recorded(templates: Path) -> None:
    client = Engine(bases={}, registry={"node:22-slim": "sha256:" + "b" * 64})
    outcome = converge(client, templates, spec("a", NPX))
    assert client.pulled == ["node:22-slim"]
    labels = client.held[NPX.image]["Config"]["Labels"]
    assert labels["org.opencontainers.image.base.name"] == "node:22-slim"
    assert labels["org.opencontainers.image.base.digest"] == "sha256:" + "b" * 64
    assert labels["mcp_base_id"] == "sha256:node:22-slim"
    assert outcome.images[0]["base_digest"] == "sha256:" + "b" * 64
    assert not converge(client, templates, spec("a", NPX)).changed


def test_a_base_that_is_not_to_be_had_fails_its_servers_alone(templates: Path) -> None:
    client = Engine(bases={"python:3.12-slim": ""})
    outcome = converge(client, templates, spec("a", NPX), spec("c", UVX))
    assert [error["server"] for error in outcome.errors] == ["a"]
    assert "the base node:22-slim cannot be pulled: manifest unknown" in outcome.errors[0]["message"]
    assert [image["servers"] for image in outcome.images] == [["c"]]


def test_an_image_is_built_anew_on_request_on_a_renewed_base_without_the_cache(templates: Path) -> None:
    client = Engine(registry={"node:22-slim": "sha256:" + "b" * 64})
    converge(client, templates, spec("a", NPX), spec("b", NPX), spec("c", UVX))
    assert not client.pulled
    del client.builds[:]
    outcome = converge(client, templates, spec("a", NPX), spec("b", NPX), spec("c", UVX), renewal=Renewal(["b"]))
    assert {image["image"]: image["reason"] for image in outcome.images} == {
        NPX.image: "its rebuild was requested",
        UVX.image: None,
    }
    assert client.pulled == ["node:22-slim"]
    assert [build["nocache"] for build in client.builds] == [True, False]  # the second only adds labels
    every = converge(client, templates, spec("a", NPX), spec("c", UVX), renewal=Renewal(["*"]), dry_run=True)
    assert [image["action"] for image in every.images] == ["build", "build"]


def test_a_rebuild_stays_on_the_base_that_is_there_where_no_registry_has_it(templates: Path) -> None:
    client = Engine()
    converge(client, templates, spec("a", NPX))
    outcome = converge(client, templates, spec("a", NPX), renewal=Renewal(["a"]))
    assert not outcome.errors
    assert outcome.images[0]["action"] == "built"


def test_a_rebuild_of_what_is_not_built_here_is_an_error_that_says_so(templates: Path) -> None:
    outcome = converge(Engine(), templates, spec("a", NPX), Spec(name="b", image="x"), renewal=Renewal(["b", "c"]))
    assert [error["server"] for error in outcome.errors] == ["b", "c"]
    assert "it has no image that is built here" in outcome.errors[0]["message"]


@pytest.mark.parametrize(
    ("after_days", "age", "reason"),
    [(0, 4000, None), (30, 29, None), (30, 30, "it is 30 days old, and rebuild_after_days is 30")],
)
def test_an_image_is_rebuilt_at_an_age(after_days: int, age: int, reason: str | None) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    created = (now - timedelta(days=age, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    present = Present("x", {"org.opencontainers.image.created": created})
    assert Renewal(after_days=after_days).reason(present, ["a"], now) == reason


def test_an_image_of_unknown_age_is_rebuilt_where_age_counts() -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    for labels in ({}, {"org.opencontainers.image.created": "yesterday"}):
        assert Renewal(after_days=30).reason(Present("x", labels), ["a"], now) == "its age is not known"
        assert Renewal().reason(Present("x", labels), ["a"], now) is None


def test_the_age_is_that_of_the_oldest_step_that_the_cache_may_have_kept(templates: Path) -> None:
    client = Engine(history=[{"Created": 2_000}, {"Created": 1_000}, {"Created": 10}])
    converge(client, templates, spec("a", NPX))
    created = client.held[NPX.image]["Config"]["Labels"]["org.opencontainers.image.created"]
    assert created == "1970-01-01T00:16:40Z"


def test_bases_without_a_digest_are_refused_where_digests_are_required(templates: Path) -> None:
    client = Engine()
    outcome = converge(client, templates, spec("a", NPX), require_digests=True)
    assert not client.builds
    assert outcome.errors[0]["message"] == (
        "its base node:22-slim has no digest, and [security] require_digests is true in settings.conf; write"
        " node:22-slim@sha256:… as node into mcp_image_bases of the inventory"
    )
    pinned = {**BASES, "node": "node:22-slim@sha256:" + "a" * 64}
    client = Engine(bases={pinned["node"]: ""})
    outcome = converge(client, templates, spec("a", NPX), require_digests=True, bases=pinned)
    assert not outcome.errors
    assert outcome.images[0]["base_digest"] == "sha256:" + "a" * 64


def test_what_a_later_build_has_taken_the_name_from_is_removed_once_no_container_has_it(templates: Path) -> None:
    client = Engine()
    client.dangling = [{"Id": "sha256:old"}, {"Id": "sha256:used"}]
    client.used = {"sha256:used"}
    converge(client, templates, spec("a", NPX), dry_run=True)
    assert client.dangling
    converge(client, templates, spec("a", NPX))
    assert client.dangling == [{"Id": "sha256:used"}]


def test_each_image_has_a_bill_of_materials_as_long_as_it_is_there(templates: Path, tmp_path: Path) -> None:
    folder = tmp_path / "var" / "sbom"
    client = Engine()
    first = converge(client, templates, spec("a", NPX), sboms=str(folder))
    file = Path(first.images[0]["sbom"])
    assert file.parent == folder
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert {each["name"] for each in json.loads(file.read_text())["components"]} == {"node:22-slim", "found"}
    assert not converge(client, templates, spec("a", NPX), sboms=str(folder)).changed
    file.unlink()
    again = converge(client, templates, spec("a", NPX), sboms=str(folder))
    assert again.changed
    assert file.exists()
    client.held.clear()
    converge(client, templates, sboms=str(folder))
    assert not folder.exists()


def test_check_mode_writes_no_bill_of_materials(templates: Path, tmp_path: Path) -> None:
    client = Engine()
    converge(client, templates, spec("a", NPX))
    outcome = converge(client, templates, spec("a", NPX), sboms=str(tmp_path / "sbom"), dry_run=True)
    assert outcome.after.endswith(".cdx.json: written\n")
    assert not (tmp_path / "sbom").exists()


PUSHED: dict[str, Any] = {"registry": "registry.test/mcp", "pushed_for": ["a", "b"]}


def test_an_image_of_a_server_in_a_cluster_is_pushed_once_and_told_by_its_digest(templates: Path) -> None:
    client = Engine()
    told = converge(client, templates, spec("a", NPX), spec("b", NPX), spec("c", UVX), dry_run=True, **PUSHED)
    assert (told.pushed, client.pushed) == ({}, [])
    assert ": pushed\n" in told.after
    first = converge(client, templates, spec("a", NPX), spec("b", NPX), spec("c", UVX), **PUSHED)
    assert client.pushed == [NPX.image.replace("mcp-built", "registry.test/mcp")]
    name = f"{client.pushed[0].partition(':')[0]}@sha256:of-"
    assert set(first.pushed) == {"a", "b"}
    assert all(each.startswith(name) for each in first.pushed.values())
    second = converge(client, templates, spec("a", NPX), spec("b", NPX), spec("c", UVX), **PUSHED)
    assert (second.changed, second.pushed, len(client.pushed)) == (False, first.pushed, 1)


def test_an_image_that_is_built_again_is_pushed_again(templates: Path) -> None:
    client = Engine()
    first = converge(client, templates, spec("a", NPX), **PUSHED)
    again = converge(client, templates, spec("a", NPX), renewal=Renewal(["a"]), **PUSHED)
    assert again.pushed["a"] != first.pushed["a"]


def test_a_push_that_fails_in_its_stream_is_an_error_of_each_server_of_the_image_and_of_no_other(
    templates: Path,
) -> None:
    client = Engine()
    client.refusal = "denied: requested access\nto the resource is denied"
    outcome = converge(client, templates, spec("a", NPX), spec("b", NPX), spec("c", UVX), **PUSHED)
    assert [error["server"] for error in outcome.errors] == ["a", "b"]
    assert "denied: requested access to the resource is denied" in outcome.errors[0]["message"]
    assert "docker login registry.test" in outcome.errors[0]["message"]
    assert outcome.pushed == {}
