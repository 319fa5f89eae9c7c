"""Asks the reconciler for something from the command line, and waits for what came of it."""
