"""The clients of the benchmark of sessions, and the programs that drive them."""
