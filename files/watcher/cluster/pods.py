"""Follows the fleet's pods: they are on the roster beside the host's containers, and what happens to them is kept."""

from __future__ import annotations

from watcher.happenings import Happenings
from watcher.roster import Member, Roster

from .client import Cluster, Object
from .collection import Collection
from .logs import PodLogs
from .objects import is_of, selector_of
from .pod import OUT_OF_MEMORY, Pod, happened, pod_of


class Pods:
    """The pods of one fleet by id."""

    def __init__(self, cluster: Cluster, fleet: str, roster: Roster, happenings: Happenings) -> None:
        self.pods: dict[str, Pod] = {}
        self._cluster = cluster
        self._fleet = fleet
        self._roster = roster
        self._happenings = happenings
        self._logs = PodLogs(cluster, self.pods)
        self._seen: set[str] | None = None  # while a list comes
        self._is_new = True

    async def follow(self) -> None:
        """Follows them until it is cancelled. Raises Unreachable without a kubeconfig."""
        path = f"/api/v1/namespaces/{self._cluster.access.namespace}/pods"
        await Collection(path, {"labelSelector": selector_of(self._fleet)}).follow(self._cluster, self)

    def begin(self) -> None:
        """See Sink."""
        self._seen = set()

    def take(self, each: Object) -> None:
        """See Sink."""
        if not is_of(self._fleet, each["metadata"]):
            return
        pod = pod_of(each)
        if self._seen is not None:
            self._seen.add(pod.id)
        before = self.pods.get(pod.id)
        if before == pod:
            return
        self.pods[pod.id] = pod
        # Of what the first list has it is not known whether it was told before.
        if not self._is_new:
            for one in happened(before, pod):
                self._happenings.tell(pod.server, one.event, one.text, one.details)
        self._enrol(before, pod)

    def drop(self, each: Object) -> None:
        """See Sink."""
        self._forget(str(each["metadata"]["uid"]).replace("-", ""))

    def complete(self) -> None:
        """See Sink."""
        for gone in self.pods.keys() - (self._seen or set()):
            self._forget(gone)
        self._seen, self._is_new = None, False

    def _enrol(self, before: Pod | None, pod: Pod) -> None:
        member = self._roster.members.setdefault(pod.id, Member(pod.container, source=self._logs))
        member.container, member.pod = pod.container, pod
        member.is_running = pod.is_running
        member.cpu_limit, member.memory_limit = pod.cpu_limit, pod.memory_limit
        restarts = pod.restarts - before.restarts if before is not None else 0
        if restarts > 0:
            member.starts += restarts
            member.oom_kills += pod.end == OUT_OF_MEMORY
        member.changed.set()
        for listener in self._roster.listeners if pod.node else ():  # without a node it writes nothing
            listener(member)

    def _forget(self, identity: str) -> None:
        self.pods.pop(identity, None)
        self._roster.forget(identity)
