"""What the watcher does where its fleet is in a cluster: more tasks by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from watcher.happenings import Happenings
from watcher.keeper import Keeper
from watcher.recording import FleetRecording
from watcher.tasks import Task

from .client import Cluster
from .fleet_objects import FleetObjects
from .pods import Pods
from .usage import Usage
from .warnings import Warnings

log = logging.getLogger("watcher")


def cluster_tasks(kubeconfig: Path, fleet: str, keeper: Keeper, recording: FleetRecording) -> Mapping[str, Task]:
    """Returns the tasks; each goes on whatever becomes of the others, and of those of the host."""
    cluster = Cluster(kubeconfig)
    objects = FleetObjects(cluster, fleet, keeper.look_soon)
    keeper.objects = objects
    happenings = Happenings(recording.directory, recording.disk)
    pods = Pods(cluster, fleet, recording.roster, happenings)
    log.info("watching fleet %s by %s", fleet, kubeconfig)
    return {
        "objects": objects.follow,
        "pods": pods.follow,
        "warnings": Warnings(cluster, pods, happenings).follow,
        "usage": Usage(cluster, fleet, recording.roster).keep,
    }
