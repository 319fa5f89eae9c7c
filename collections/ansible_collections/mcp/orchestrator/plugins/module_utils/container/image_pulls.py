# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images that a run's containers are made of, pulled where this host needs them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import image_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import Engine, EngineError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image


class ImagePulls:
    """Pulls each image once, however many servers wait for it. Its methods may be called from several threads."""

    def __init__(self, engine: Engine, known: Mapping[str, Image | None]) -> None:
        self._engine = engine
        self._images = dict(known)
        self._pulls: dict[str, Future[Image]] = {}
        self._lock = threading.Lock()

    @property
    def images(self) -> Mapping[str, Image | None]:
        """The images by reference as they are now, None for one that this host does not hold."""
        with self._lock:
            return dict(self._images)

    def get(self, reference: str, platform: str | None) -> Image:
        """Returns an image, after it was pulled where it is missing or its registry has a newer one.

        Raises EngineError.
        """
        with self._lock:
            known = self._images.get(reference)
            if known is not None and not known.newer:
                return known
            pull = self._pulls.get(reference)
            first = pull is None
            if pull is None:
                pull = self._pulls[reference] = Future()
        if first:
            try:
                pull.set_result(self._pull(reference, platform))
            except BaseException as error:
                pull.set_exception(error)
        return pull.result()

    def _pull(self, reference: str, platform: str | None) -> Image:
        self._engine.pull(reference, platform)
        raw = self._engine.image(reference)
        if raw is None:
            raise EngineError(f"image {reference} was pulled and is gone again; does something prune images?")
        image = image_of(raw)
        with self._lock:
            self._images[reference] = image
        return image
