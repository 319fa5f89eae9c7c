"""What pages say of the past: uptime, usage, calls, other tools. Each reads what is new, once for all viewers."""
