# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images go with the last container that used them, when that is asked for, and never otherwise."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import run, spec, stranger
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)


def retired(engine: SimulatedEngine, before: list[Spec], after: list[Spec], **more: Any) -> list[tuple[str, str]]:
    """What becomes of ``before`` when ``after`` takes its place."""
    run(engine, before)
    run(engine, after)
    actions = run(engine, after, retire=True, **more)["actions"]
    return [
        (action["action"], action["before"].get("image")) for action in actions if action["action"] == "remove_image"
    ]


def test_an_image_goes_with_its_last_container() -> None:
    engine = SimulatedEngine()
    assert retired(engine, [spec("a")], [spec("a", image="two")], prune_images=True) == [("remove_image", "one")]
    assert "one" not in engine.images
    assert "two" in engine.images


def test_without_being_asked_no_image_goes() -> None:
    engine = SimulatedEngine()
    assert retired(engine, [spec("a")], [spec("a", image="two")]) == []
    assert "one" in engine.images


def test_an_image_stays_that_another_server_uses_or_is_to_use() -> None:
    both = [spec("a"), spec("b")]
    for after in ([spec("a", image="two"), spec("b")], [spec("a", enabled=False)]):
        engine = SimulatedEngine()
        assert retired(engine, both, after, prune_images=True) == []
        assert "one" in engine.images


def test_an_image_of_two_removed_containers_is_removed_once() -> None:
    engine = SimulatedEngine()
    assert retired(engine, [spec("a"), spec("b")], [], prune_images=True) == [("remove_image", "one")]


def test_an_image_that_a_stranger_s_container_needs_stays() -> None:
    engine = SimulatedEngine()
    stranger(engine, "theirs")
    retired(engine, [spec("a")], [], prune_images=True)
    assert "one" in engine.images
