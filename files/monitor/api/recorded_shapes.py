"""The forms of what the watcher has recorded."""

from __future__ import annotations

from records.call import OUTCOMES
from records.line import LEVELS, STREAMS

from monitor.api.shape import MOMENT, NUMBER, TEXT, WHOLE, Shape, listed, maybe, record

_LINE = record(
    {
        "time": {"type": "string", "description": "The engine's, in UTC with nine digits of a fraction."},
        "stream": {"enum": list(STREAMS)},
        "level": {"enum": [*LEVELS, None], "description": "As a word near the beginning says it."},
        "container": {"type": "string", "description": "The beginning of its id."},
        "text": TEXT,
    },
    "A line of a log.",
)
_CALL = record(
    {
        "ended": TEXT,
        "method": TEXT,
        "tool": {"type": "string", "description": "Empty for other methods."},
        "outcome": {"enum": list(OUTCOMES)},
        "milliseconds": NUMBER,
        "session": {"type": "string", "description": "A digest of the session's id; empty without one."},
        "container": TEXT,
    },
    "A call that has ended.",
)
_NOW = record(
    {
        "time": MOMENT,
        "containers": WHOLE,
        "cpu": maybe("number", "In cores; null where the cluster does not measure it, as what follows."),
        "cpu_limit": maybe("number"),
        "memory": maybe("integer", "In bytes."),
        "memory_limit": maybe("integer"),
        "processes": maybe("integer"),
        "processes_limit": maybe("integer"),
        "received_per_second": maybe("number", "In bytes."),
        "sent_per_second": maybe("number", "In bytes."),
        "restarts": {"type": "integer", "description": "Since the watcher's start."},
        "oom_kills": {"type": "integer", "description": "Since the watcher's start."},
        "near_limit": listed(
            record({"limit": TEXT, "since": MOMENT, "share": NUMBER}, "A limit near which it stays."),
        ),
    },
    "What all its containers use, and the limits of each.",
)
_SAMPLE = record(
    {
        "time": MOMENT,
        "containers": WHOLE,
        "cpu": {"type": "number", "description": "In cores, a mean."},
        "cpu_most": NUMBER,
        "memory": {"type": "integer", "description": "In bytes, a mean."},
        "memory_most": WHOLE,
        "received": {"type": "integer", "description": "Bytes of the step, as sent."},
        "sent": WHOLE,
        "processes": WHOLE,
        "restarts": WHOLE,
        "oom_kills": WHOLE,
    },
    "What all its containers used from a time on for one step.",
)
_EVENT = record(
    {
        "run": {
            "type": "string",
            "description": "The id of the run in which it was seen; empty for what the watcher saw of a pod.",
        },
        "at": MOMENT,
        "event": {"type": "string", "description": "One word."},
        "text": TEXT,
        "details": {"type": "object"},
    },
    "Something that happened.",
)

RECORDED_SHAPES: dict[str, Shape] = {
    "log_lines": record(
        {
            "server": TEXT,
            "lines": listed(_LINE, "In the order of their times."),
            "whole": {"type": "boolean", "description": "Whether the search came to its end in time."},
        },
        "The last lines that are meant.",
    ),
    "usage": record(
        {
            "server": TEXT,
            "now": {"oneOf": [_NOW, {"type": "null"}]},
            "step": {"type": "integer", "description": "Seconds of a sample."},
            "samples": listed(_SAMPLE, "The oldest first. A step without one is a gap."),
        },
        "What a server uses and has used.",
    ),
    "event_list": record({"server": TEXT, "events": listed(_EVENT, "The newest first.")}, "Events of a server."),
    "call_list": record({"server": TEXT, "calls": listed(_CALL, "The oldest first.")}, "Calls of a server."),
}
