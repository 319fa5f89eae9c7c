"""Checks on the shape of the code that no linter makes: `python -m tests.shape`, part of `make lint`."""
