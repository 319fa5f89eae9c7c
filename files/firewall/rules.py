"""What a fleet's rules are, and how one set of them takes the place of another. Pure.

The reconciler saves the rules of each fleet as ``iptables-restore`` reads them: in the file FLEET.v4 those of iptables,
in FLEET.v6 those of ip6tables. A file may say no more than a fleet may have: the rules of its own chain, and jumps that
bear its mark.
"""

from __future__ import annotations

import hashlib
import itertools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

TABLES = ("filter", "nat")
LONGEST_CHAIN = 28
# The engine jumps here before its own rules, and keeps what is in it. It makes the chain only where it is missing.
USER_CHAIN = "DOCKER-USER"
_BUILT_IN = frozenset({"INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING"})


class RulesError(Exception):
    """A text that is not the rules of this fleet; the message is a sentence for the journal."""


@dataclass(frozen=True)
class Rules:
    """``inside`` are the rules of the fleet's own chain, ``outside`` its marked rules in the chains of others by table,
    all as ``-A CHAIN …``, in the order in which they stand in the packet filter. ``chains`` are those that are there.
    """

    inside: tuple[str, ...] = ()
    outside: dict[str, tuple[str, ...]] = field(default_factory=dict)
    chains: frozenset[str] = frozenset()

    def entered_from(self) -> set[str]:
        """The chains of the table filter that have a marked rule."""
        return {rule.split(" ", 2)[1] for rule in self.outside.get("filter", ())}


def chain_of(fleet: str) -> str:
    """The chain that holds the fleet's rules, as the reconciler names it."""
    name = f"MCP-{fleet}"
    return name if len(name) <= LONGEST_CHAIN else f"MCP-{hashlib.sha256(fleet.encode()).hexdigest()[:16]}"


def interfaces_of(fleet: str) -> str:
    """The pattern that all bridges of the fleet match, as the reconciler names them."""
    return f"mcp-{hashlib.sha256(fleet.encode()).hexdigest()[:7]}-+"


def closed(fleet: str, family: str) -> Rules:
    """Rules that let nothing new out of any container of the fleet, neither onward nor to the host.

    IPv4's stand in DOCKER-USER, for the engine puts rules that let out before everything else in FORWARD. Not so for
    networks without IPv6, as all of a fleet are; and where it leaves IPv6 alone, nothing would lead to DOCKER-USER.
    """
    chains = (USER_CHAIN, "INPUT") if family == "v4" else ("FORWARD", "INPUT")
    rule = (
        f"-i {interfaces_of(fleet)} -m conntrack ! --ctstate RELATED,ESTABLISHED"
        f' -m comment --comment "mcp_fleet={fleet}" -j DROP'
    )
    return Rules(outside={"filter": tuple(f"-A {chain} {rule}" for chain in chains)})


def read(text: str, fleet: str) -> Rules:
    """The rules that a file holds. Raises RulesError when it is cut short or says what is none of the fleet's."""
    table = ""
    inside: list[str] = []
    outside: dict[str, list[str]] = {name: [] for name in TABLES}
    for number, line in enumerate(text.splitlines(), 1):
        words = _words(line, number)
        if not words or line.startswith("#"):
            continue
        if not table and line[1:] in TABLES and line[0] == "*":
            table = line[1:]
        elif table and line == "COMMIT":
            table = ""
        elif table == "filter" and words[0] == f":{chain_of(fleet)}":
            continue
        elif table == "filter" and words[:2] == ["-A", chain_of(fleet)]:
            inside.append(line)
        elif table and _is_marked(words, fleet) and words[0] in ("-A", "-I"):
            if words[1] not in _BUILT_IN | {USER_CHAIN}:
                raise RulesError(f"line {number} is for the chain {words[1]}")
            # What is inserted comes before what was inserted until then.
            place = 0 if words[0] == "-I" else len(outside[table])
            outside[table].insert(place, f"-A {line.split(' ', 1)[1]}")
        else:
            raise RulesError(f"line {number} is not a rule of the fleet")
    if table or not (inside or any(outside.values())):
        raise RulesError("it ends too early")
    return Rules(tuple(inside), {name: tuple(rules) for name, rules in outside.items()})


def present(saved: str, fleet: str) -> Rules:
    """The fleet's rules out of what ``iptables-save`` prints, and the names of all chains of the table filter."""
    table = ""
    inside: list[str] = []
    outside: dict[str, list[str]] = {name: [] for name in TABLES}
    chains: set[str] = set()
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif table == "filter" and line.startswith(":"):
            chains.add(line[1:].split(" ", 1)[0])
        elif table == "filter" and line.startswith(f"-A {chain_of(fleet)} "):
            inside.append(line)
        elif table in TABLES and line.startswith("-A ") and _is_marked(_words(line, 0), fleet):
            outside[table].append(line)
    return Rules(tuple(inside), {name: tuple(rules) for name, rules in outside.items()}, frozenset(chains))


def is_intact(rules: Rules, fleet: str) -> bool:
    """Whether rules in the packet filter already keep the fleet's servers, so that they are better than ``closed``."""
    leads_to_chain = any(rule.endswith(f"-j {chain_of(fleet)}") for rule in rules.outside.get("filter", ()))
    entered = rules.entered_from()
    return "INPUT" in entered and bool(entered & {USER_CHAIN, "FORWARD"}) and (bool(rules.inside) or not leads_to_chain)


def transaction(before: Rules, desired: Rules, fleet: str) -> str:
    """What ``iptables-restore --noflush`` needs to put ``desired`` in the place of ``before``, each table at once.

    The same twice leaves nothing twice. Ours come first in their chains, before any rule of the operator's.
    """
    lines = ["*filter"]
    if USER_CHAIN in desired.entered_from() and USER_CHAIN not in before.chains:
        lines.append(f":{USER_CHAIN} - [0:0]")  # in a chain that is there it would remove the rules of others
    if desired.inside or before.inside:
        lines.append(f":{chain_of(fleet)} - [0:0]")
    lines += desired.inside
    for table in TABLES:
        if table != "filter":
            lines += ["COMMIT", f"*{table}"]
        lines += _instead("-D", before.outside.get(table, ()))
        lines += _instead("-I", tuple(reversed(desired.outside.get(table, ()))))
    return "\n".join([*lines, "COMMIT", ""])


def _instead(command: str, rules: Sequence[str]) -> list[str]:
    return [f"{command} {rule.removeprefix('-A ')}" for rule in rules]


def _is_marked(words: Sequence[str], fleet: str) -> bool:
    return ("--comment", f"mcp_fleet={fleet}") in itertools.pairwise(words)


def _words(line: str, number: int) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        raise RulesError(f"line {number} is cut short") from None
