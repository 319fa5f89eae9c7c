"""Listings for the watcher's tests."""

from __future__ import annotations

from watcher.engine.model import Container
from watcher.trouble import Listing, listing_of


def container(identity: str, *, server: str = "time", state: str = "running", health: str = "healthy") -> Container:
    """Returns a container of a fleet, in its network."""
    labels = {"mcp_fleet": "mcp", "mcp_service": server}
    return Container(identity, f"mcp-{server}", state, health, labels, frozenset({"mcp"}))


def fleet(*containers: Container) -> Listing:
    """Returns a listing."""
    return listing_of(containers)
