"""A watched site that is broken in every way of a table, under load: `python -m tests.chaos`, or `make chaos`."""
