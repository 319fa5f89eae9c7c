"""The one current world, shared between threads and kept on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from .state_file import StateFile
from .world import World

Reply = TypeVar("Reply")


class Store:
    """Holds the world; a change is on disk before anybody sees it."""

    def __init__(self, world: World, file: StateFile) -> None:
        self._world = world
        self._file = file
        self._lock = threading.Lock()
        self.changed = threading.Event()

    @property
    def world(self) -> World:
        """The latest world."""
        return self._world

    def change(self, step: Callable[[World], tuple[World, Reply]]) -> Reply:
        """Replaces the world by what ``step`` makes of it, and returns the step's reply.

        What the step raises leaves everything as it was; so does OSError from a disk that refuses the new state.
        """
        with self._lock:
            world, reply = step(self._world)
            if world is not self._world:
                self._file.save(world)
                self._world = world
                self.changed.set()
        return reply
