"""What pods use, as the cluster's metrics API has it (https://github.com/kubernetes/metrics). It need not have one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from records.sample import FULL

from watcher.engine.model import FLEET_LABEL
from watcher.errors import PeerError, Refused
from watcher.roster import Measured, Roster

from .client import Cluster, Object
from .pod import quantity

log = logging.getLogger("watcher")

# A cluster without the API may get it.
ABSENT_SECONDS = 300.0
_ABSENT = (403, 404)


class Usage:
    """Asks for what the pods of one fleet use, once in each step of the samples."""

    def __init__(self, cluster: Cluster, fleet: str, roster: Roster) -> None:
        self._cluster = cluster
        self._selector = {"labelSelector": f"{FLEET_LABEL}={fleet}"}
        self._roster = roster
        self._said = ""

    async def keep(self) -> None:
        """Asks until it is cancelled."""
        while True:
            await asyncio.sleep(await self._look())

    async def _look(self) -> float:
        """Returns after how many seconds to look again."""
        try:
            path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{self._cluster.access.namespace}/pods"
            found = await self._cluster.json(path, self._selector)
        except PeerError as error:
            self._take({})
            absent = isinstance(error, Refused) and error.status in _ABSENT
            later = error.later if isinstance(error, Refused) else 0.0
            said = "the cluster has no metrics of pods (metrics.k8s.io)" if absent else f"no metrics of pods: {error}"
            if said != self._said:
                log.info("%s; samples have no usage", said)
                self._said = said
            return ABSENT_SECONDS if absent else max(2.0 * FULL.step, later)
        self._said = ""
        self._take(usage_of(found))
        return float(FULL.step)

    def _take(self, found: Mapping[str, Measured]) -> None:
        for member in self._roster.members.values():
            if member.pod is not None:
                member.measured = found.get(member.container.name)


def usage_of(metrics: Object) -> dict[str, Measured]:
    """Returns what each pod uses, by its name."""
    found = {}
    for each in metrics.get("items") or ():
        used: list[Mapping[str, Any]] = [one.get("usage") or {} for one in each.get("containers") or ()]
        cpu = [cores for one in used if (cores := quantity(one.get("cpu"))) is not None]
        memory = [size for one in used if (size := quantity(one.get("memory"))) is not None]
        if cpu and memory:
            found[str(each["metadata"]["name"])] = Measured(round(sum(cpu) * 1000), round(sum(memory)))
    return found
