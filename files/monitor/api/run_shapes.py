"""The forms of runs, routes and requests."""

from __future__ import annotations

from typing import Any

from monitor.api.shape import MAYBE_MOMENT, MOMENT, NEXT, TEXT, TEXTS, WHOLE, Shape, listed, maybe, record, ref

_RUN: dict[str, Any] = {
    "id": {"type": "string", "description": "Of the run, the first of several."},
    "last_id": {"type": "string", "description": "Of the last of several."},
    "trigger": {"type": "string", "description": "What started it."},
    "started": MOMENT,
    "finished": MOMENT,
    "seconds": {"type": "number", "description": "How long the last of them took."},
    "runs": {"type": "integer", "minimum": 1, "description": "How many runs this is the report of."},
    "result": {"enum": ["ok", "failed"]},
    "summary": {"type": "string", "description": "The whole fleet in one sentence."},
    "severity": ref("severity"),
}

RUN_SHAPES: dict[str, Shape] = {
    "run_summary": record(
        {
            **_RUN,
            "actions": {"type": "integer", "description": "How many things it did."},
            "events": WHOLE,
            "errors": WHOLE,
        },
        "A report.",
    ),
    "run_list": record(
        {"runs": listed(ref("run_summary"), "The newest first."), "next": NEXT},
        "A page of reports.",
    ),
    "run": record(
        {
            **_RUN,
            "actions": {"type": "integer", "description": "How many things it did."},
            "plan": {"type": "array", "items": {"type": "object"}, "description": "What it did, in order."},
            "more_actions": {"type": "integer", "description": "Actions that are left out of a long plan."},
            "diff": {"type": "string", "description": "What --diff shows."},
            "errors": {"type": "array", "items": {"type": "object"}},
            "events": listed(
                record(
                    {"server": maybe("string"), "event": TEXT, "text": TEXT, "details": {"type": "object"}},
                    "Something that happened.",
                )
            ),
        },
        "A report in full.",
    ),
    "routes": record(
        {
            "run": {"type": "string", "description": "The run that found it so."},
            "finished": MOMENT,
            "listeners": listed(ref("listener"), "The one next to the servers first."),
        },
        "The listeners of the load balancers.",
    ),
    "request": record(
        {
            "id": TEXT,
            "status": {
                "enum": ["waiting", "done", "failed", "superseded", "refused"],
                "description": "waiting: no run has answered. failed: it is recorded, and something is in the way."
                " superseded: somebody asked for the opposite. refused: nothing was done.",
            },
            "action": maybe("string"),
            "server": maybe("string"),
            "who": maybe("string"),
            "from": maybe("string"),
            "written": MAYBE_MOMENT,
            "answered": MAYBE_MOMENT,
            "run": maybe("string", "The run that answered."),
            "messages": {**TEXTS, "description": "What came of it, in sentences."},
            "changes": {**TEXTS, "description": "What the run did for it."},
        },
        "A request, and what came of it.",
    ),
}
