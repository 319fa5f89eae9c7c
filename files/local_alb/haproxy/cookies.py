"""Stickiness cookies: towards one target of a group, and towards one of several groups of a rule.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#sticky-sessions.
The load balancer's own cookies have twins with ``SameSite=None``, since some browsers send no others across origins.
The duration counts from the last answer; a cookie names the second at which it ends, because not every client forgets
it by then.
"""

from __future__ import annotations

from collections.abc import Sequence

from local_alb.model.attributes import TARGET_GROUP, attribute
from local_alb.model.world import TargetGroup

TARGET, APPLICATION, GROUP = "AWSALB", "AWSALBAPP-0", "AWSALBTG"
TWIN = "CORS"
# Neither a target's nor a group's name in HAProxy has this character.
UNTIL = "~"


def target_cookie_lines(group: TargetGroup) -> list[str]:
    """Returns the lines of a backend that keep a client on the target that a cookie names; none without stickiness."""

    def setting(key: str) -> str:
        return attribute(TARGET_GROUP, group.attributes, f"stickiness.{key}")

    if setting("enabled") != "true":
        return []
    kind = setting("type")
    seconds = int(setting(f"{kind}.duration_seconds"))
    kept = _still_good("txn.kept")
    if kind == "lb_cookie":
        names, asked, answered = [TARGET, f"{TARGET}{TWIN}"], "", [""]
    else:
        # There is no session to keep before the application itself has begun one with a cookie.
        application = setting("app_cookie.cookie_name")
        begun = f"{{ res.cook({application}) -m found }}"
        names, asked = [APPLICATION], f"{{ req.cook({application}) -m found }}"
        answered = [begun, f"!{begun} {{ var(txn.kept) -m found }}"]
    value = f"%[srv_name,field(1,.)]{UNTIL}%[date({seconds})]"
    return [
        *_read("txn.kept", names, asked),
        f"use-server %[var(txn.kept),field(1,{UNTIL})] if {kept}",
        *[line for condition in answered for line in _written(names, value, seconds, condition)],
    ]


def group_cookie_lines(backends: Sequence[str], seconds: int, condition: str) -> tuple[list[str], list[str]]:
    """Returns the lines of a frontend before and after one of several groups is drawn.

    ``backends`` are the groups by HAProxy's names, ``condition`` holds where their rule was chosen. The former lines
    leave the client's group in txn.backend, the latter tell the client which group it has now.
    """
    known = f"{{ var(txn.group),field(1,{UNTIL}) -m str -- {' '.join(backends)} }}"
    names = [GROUP, f"{GROUP}{TWIN}"]
    before = [
        *_read("txn.group", names, condition),
        f"http-request set-var(txn.backend) var(txn.group),field(1,{UNTIL}) if {condition} {known} "
        + _still_good("txn.group"),
    ]
    # The backend may become another name of the same group later on.
    after = [f"http-request set-var(txn.drawn) var(txn.backend) if {condition}"]
    value = f"%[var(txn.drawn)]{UNTIL}%[date({seconds})]"
    return before, after + _written(names, value, seconds, condition)


def _read(variable: str, names: Sequence[str], condition: str) -> list[str]:
    """Takes the first of the cookies that is there into ``variable``, and its end in seconds into ``…_until``."""
    first = f"http-request set-var({variable}) req.cook({names[0]})"
    lines = [f"{first} if {condition}" if condition else first]
    for name in names[1:]:
        missing = f"!{{ var({variable}) -m found }}"
        lines.append(f"http-request set-var({variable}) req.cook({name}) if {missing} {condition}".rstrip())
    return [
        *lines,
        f"http-request set-var({variable}_until) var({variable}),field(2,{UNTIL})",
        "http-request set-var(txn.now) date",
    ]


def _still_good(variable: str) -> str:
    return f"{{ var({variable}) -m found }} {{ var({variable}_until),sub(txn.now) -m int gt 0 }}"


def _written(names: Sequence[str], value: str, seconds: int, condition: str) -> list[str]:
    lines = []
    for name in names:
        twin = "; SameSite=None; Secure" if name.endswith(TWIN) else ""
        line = f'http-response add-header Set-Cookie "{name}={value}; Max-Age={seconds}; Path=/{twin}"'
        lines.append(f"{line} if {condition}" if condition else line)
    return lines
