"""An mcpServers file in the form of one client: python -m monitor.client_file CLIENT <mcp.json, for make export."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from monitor.client_entries import FILES


def main(arguments: Sequence[str]) -> int:
    """Reads the file of mcp_client_config from standard input and writes that of the client; 2 for one it knows not."""
    if len(arguments) != 1 or arguments[0] not in FILES:
        print(f"client_file: name one of {', '.join(FILES)}", file=sys.stderr)
        return 2
    sys.stdout.write(FILES[arguments[0]](json.load(sys.stdin)["mcpServers"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
