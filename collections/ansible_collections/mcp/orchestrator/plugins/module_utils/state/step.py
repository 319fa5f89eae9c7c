# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a run as Ansible registered them, and what went wrong in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import dicts, text, word

STEPS = (
    "requests",
    "config",
    "images",
    "containers",
    "workloads",
    "routes",
    "bindings",
    "retire",
    "leave",
    "probe",
    "litellm",
)
"""The steps in the order of a run."""


@dataclass(frozen=True)
class StepError:
    """Something that went wrong: for one server, or for the whole fleet when ``server`` is None."""

    server: str | None
    step: str
    message: str

    def to_dict(self) -> dict[str, str | None]:
        """Returns the error as the state file lists it: server, step and message."""
        return {"server": self.server, "step": self.step, "message": self.message}


@dataclass(frozen=True)
class Step:
    """One step of a run, read from the result that Ansible registered for it.

    ``result`` is what the step's module returned, with Ansible's own keys (failed, skipped, unreachable, msg). A step
    that was not reached has an empty result; one that failed as a whole has ``msg`` and none of the module's keys.
    Every step may have ``errors``, a list of ``{server: str or null, message: str}``. What else is read of each:

    ========== ==================================================================================================
    requests   ``pending``, the ids of the requests that the run does; ``directory``, where they are answered
    config     ``servers`` (Spec.to_dict), ``remotes`` (Remote.to_dict with client and left_out), ``clients`` (what
               clients are told beside the address, by server), ``explain`` (a list of notes by server), ``overrides``
               (what operators have asked for, by server), ``lapsed`` (those whose overrides no longer hold)
    images     ``images``: package, version, digest and the names of the servers that use it
    containers ``endpoints`` (Endpoint.to_dict), ``actions`` (server, action, reason), ``postponed``
               (Failure.to_dict), and which servers run on other hosts
    workloads  ``endpoints``, ``actions`` and ``postponed``, as those of containers; ``routes`` (name, mcp_url) and
               ``readiness``, what the kubelets found, in the form of a probe's report; ``notes`` and ``needs``
               (server, message); ``left``, what others have changed and what stays so; ``on_other_hosts``, what the
               cluster runs where another host speaks to it
    routes     ``public_url``, where clients reach the balancer; ``routes``: name, mcp_url, rule_arn,
               target_group_arn, priority; ``actions`` (server, action, reason); ``notes``, and those of them about a
               server's path as ``shadows`` (a list by server); ``listeners``, for the page
    bindings   ``actions``, as those of containers
    retire     ``actions``, as those of containers; ``draining`` (server, container, sessions); ``kept``, the networks
               that stay because of others' containers
    leave      ``actions``, as those of containers: what hosts serve in the place of the cluster
    probe      ``servers``: the reports of probe/fleet.py; ``remotes``: those of probe/remotes.py
    litellm    ``actions``, as those of containers; ``advice``, a list of sentences
    ========== ==================================================================================================

    The modules' documentation describes each key; tests/unit/…/state/test_contract.py holds this against what the
    modules return.
    """

    name: str
    result: Mapping[str, Any]

    @property
    def reached(self) -> bool:
        """Whether the step ran, or was skipped on purpose."""
        return bool(self.result)

    @property
    def skipped(self) -> bool:
        """Whether the step was left out on purpose."""
        return bool(self.result.get("skipped"))

    @property
    def failed_as_a_whole(self) -> bool:
        """Whether it failed without naming servers, so that nothing is known of any of them."""
        return bool(self.result.get("failed") or self.result.get("unreachable")) and not self._errors

    @property
    def completed(self) -> bool:
        """Whether the step ran to its end, so that what it does not mention is not there."""
        return self.reached and not self.skipped and not self.failed_as_a_whole

    def members(self, key: str) -> list[dict[str, Any]]:
        """The dicts of a returned list."""
        return dicts(self.result.get(key))

    def by_name(self, key: str) -> dict[str, dict[str, Any]]:
        """The dicts of a returned list, by their name."""
        return {name: entry for entry in self.members(key) if (name := word(entry.get("name"))) is not None}

    def table(self, key: str) -> dict[str, Any]:
        """A returned dict; empty where there is none."""
        found = self.result.get(key)
        return dict(found) if isinstance(found, Mapping) else {}

    @property
    def own_errors(self) -> list[StepError]:
        """The errors that the step itself reports."""
        if not self.failed_as_a_whole:
            return [
                StepError(
                    word(error.get("server")), self.name, text(error.get("message")) or "failed without a message"
                )
                for error in self._errors
            ]
        # A config that cannot be read names all its faults at once, each on a line of its own.
        lines = [text(line) for line in str(self.result.get("msg") or "").splitlines()]
        return [StepError(None, self.name, line) for line in lines if line] or [
            StepError(None, self.name, "failed without a message; the run's output says more")
        ]

    @property
    def changes(self) -> list[str]:
        """What the step did, a line for each action."""
        lines = []
        for action in self.members("actions"):
            subject = word(action.get("server")) or word(action.get("name")) or "fleet"
            reason = text(action.get("reason"))
            lines.append(f"{subject}: {word(action.get('action')) or 'changed'}" + (f" — {reason}" if reason else ""))
        return lines

    @property
    def _errors(self) -> list[dict[str, Any]]:
        return self.members("errors")
