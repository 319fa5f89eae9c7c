"""`limited.py '{"unused_seconds": 1}' OPTIONS -- COMMAND`: the bridge with other bounds than its own."""

from __future__ import annotations

import functools
import json
import sys

from bridge import stand_ins

stand_ins.install()

from bridge import limits, options  # noqa: E402
from bridge import serving as program  # noqa: E402

if __name__ == "__main__":
    bounds = json.loads(sys.argv.pop(1))
    options.Limits = functools.partial(limits.Limits, **bounds)  # type: ignore[assignment,misc]
    fitted = limits.fitted
    # What is asked for stands, whatever memory this machine has.
    program.fitted = lambda *given: limits.replace(fitted(*given), **bounds)  # type: ignore[attr-defined]
    sys.exit(program.main(options.parse(sys.argv[1:])))
