"""The Docker engine's API, as far as the watcher needs it."""
