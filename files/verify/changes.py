"""What has changed since the baseline, and whether it breaks clients. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify.baseline import latency_of
from verify.compatibility import Difference, Effect, differences

MOST_OF_A_KIND = 20
# What a server is slower by has to be beyond what a busy host does to any answer.
SLOWER_TIMES, SLOWER_SECONDS = 2.0, 0.1
# A client may ask a person first, or not, by what a tool says of itself; what it says when it says nothing is the
# specification's (https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations).
_HINTS = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True}
_SAFE = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}


@dataclass(frozen=True)
class Change:
    """One change: ``where`` (``tool price``), in words, and whether clients that keep to the baseline may break."""

    where: str
    text: str
    breaking: bool

    def __str__(self) -> str:
        return f"{'breaking' if self.breaking else 'harmless'}: {self.where}: {self.text}"

    def to_dict(self) -> dict[str, Any]:
        """As files/verification.schema.json has it."""
        return {"where": self.where, "text": self.text, "breaking": self.breaking}


def surface_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What a server lists otherwise than it did (verify.baseline.surface_of)."""
    found = list(_itself(before, after))
    for part, word, inside in (
        ("tools", "tool", _tool),
        ("resources", "resource", _described),
        ("templates", "resource template", _described),
        ("prompts", "prompt", _prompt),
    ):
        was, now = before[part], after[part]
        found += _each_or_all(word, sorted(was.keys() - now.keys()), "gone", True)
        found += _each_or_all(word, sorted(now.keys() - was.keys()), "new", False)
        for name in sorted(was.keys() & now.keys()):
            found += inside(f"{word} {name}", was[name], now[name])
    return found


def _each_or_all(word: str, names: list[str], what: str, breaking: bool) -> list[Change]:
    """A change for each; one for all of them where people would not read each."""
    if len(names) > MOST_OF_A_KIND:
        return [Change(f"{word}s", f"{len(names)} are {what}: {', '.join(names[:MOST_OF_A_KIND])}, …", breaking)]
    return [Change(f"{word} {name}", f"it is {what}", breaking) for name in names]


def _itself(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key, name in (("name", "name"), ("version", "version")):
        was, now = before["server"].get(key), after["server"].get(key)
        if was != now:
            yield Change("server", f"{name} was {was}, is {now}", False)
    if before["protocol"] != after["protocol"]:
        older = after["protocol"] < before["protocol"]
        yield Change("server", f"protocol was {before['protocol']}, is {after['protocol']}", older)
    was, now = before["capabilities"], after["capabilities"]
    for name in sorted(was.keys() - now.keys()):
        yield Change("server", f"capability {name} is gone", bool(was[name]) or name != "experimental")
    for name in sorted(now.keys() - was.keys()):
        yield Change("server", f"capability {name} is new", False)


def _tool(where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    yield from _described(where, was, now)
    for each in differences(was.get("inputSchema", {}), now.get("inputSchema", {})):
        yield _of_schema(f"{where}, argument", where, each, Effect.NARROWER)
    given, gives = was.get("outputSchema"), now.get("outputSchema")
    if given is None or gives is None:
        if given != gives:
            said = "its outputSchema is gone" if gives is None else "it has an outputSchema now"
            yield Change(where, said, gives is None)
    else:
        for each in differences(given, gives):
            yield _of_schema(f"{where}, result", where, each, Effect.WIDER)
    for hint, default in _HINTS.items():
        said, says = (each.get("annotations", {}).get(hint, default) for each in (was, now))
        if said != says:
            yield Change(where, f"{hint} was {str(said).lower()}, is {str(says).lower()}", says != _SAFE[hint])


def _prompt(where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    yield from _described(where, was, now)
    had, has = ({each["name"]: each for each in prompt.get("arguments", [])} for prompt in (was, now))
    for name in sorted(had.keys() | has.keys()):
        needs = bool(has.get(name, {}).get("required"))
        if name not in has:
            yield Change(f"{where}, argument {name}", "it is gone", True)
        elif name not in had:
            yield Change(f"{where}, argument {name}", "it is new" + (" and required" if needs else ""), needs)
        elif needs != bool(had[name].get("required")):
            said = "it is required now" if needs else "it is not required any more"
            yield Change(f"{where}, argument {name}", said, needs)


def _described(where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for key in ("title", "description"):
        if was.get(key) != now.get(key):
            yield Change(where, f"its {key} is another one", False)
    if was.get("mimeType") != now.get("mimeType"):
        yield Change(where, f"its mimeType was {was.get('mimeType')}, is {now.get('mimeType')}", True)


def _of_schema(inside: str, where: str, difference: Difference, breaks: Effect) -> Change:
    place = f"{inside} {difference.where}" if difference.where else where
    return Change(place, difference.text, breaks in difference.effect)


def answer_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What is answered otherwise than it was (verify.baseline.answers_of), for steps that are in both."""
    return [change for key in sorted(before.keys() & after.keys()) for change in _answer(key, before[key], after[key])]


def _answer(where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    unseen = sorted(now["errors"].keys() - was["errors"].keys())
    tries = sum(now["errors"].values())
    for kind in unseen:
        times = now["errors"][kind]
        what = "it succeeds" if kind == "none" else f"error {kind}"
        had = " or ".join("it succeeded" if each == "none" else f"error {each}" for each in sorted(was["errors"]))
        if times < tries:
            yield Change(where, f"flaking: {what} in {times} of {tries} tries, where before: {had}", True)
        else:
            yield Change(where, f"before: {had}; now: {what}", True)
    for kind in sorted(was["shapes"].keys() & now["shapes"].keys()):
        for each in differences(was["shapes"][kind], now["shapes"][kind], observed=True):
            yield _of_schema(f"{where}, answer", where, each, Effect.WIDER)
    if not unseen:
        yield from _slower(where, was["seconds"], now["seconds"])


def is_slower(before: list[float], after: list[float]) -> bool:
    """Whether every answer took twice as long as the slowest before, and a tenth of a second more."""
    slowest = latency_of(before)[2]
    return latency_of(after)[0] > max(slowest * SLOWER_TIMES, slowest + SLOWER_SECONDS)


def _slower(where: str, before: list[float], after: list[float]) -> Iterator[Change]:
    if is_slower(before, after):
        was, now = latency_of(before)[1], latency_of(after)[1]
        yield Change(where, f"slower: it took {was * 1000:.0f} ms, takes {now * 1000:.0f} ms", False)
