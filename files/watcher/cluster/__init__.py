"""A cluster's API server, and what the watcher makes of what it says. Loaded only where a fleet is in a cluster."""
