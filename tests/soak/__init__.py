"""Weeks of edits, restarts and rotations at one site, one thing after the other."""
