"""What the collection knows of the local load balancer, which it cannot import."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import (
    LOCAL_INSTANCE_ID,
    LOCAL_LISTENER_ARN,
)
from local_alb.model import world
from local_alb.operations.targets import INSTANCE_ID


def test_the_collection_and_the_program_name_the_same_listener() -> None:
    assert LOCAL_LISTENER_ARN == world.LOCAL_LISTENER_ARN


def test_the_program_takes_the_collections_instance_for_this_host() -> None:
    assert INSTANCE_ID.fullmatch(LOCAL_INSTANCE_ID)
