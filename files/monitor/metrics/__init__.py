"""What Prometheus is told of the fleet, made of what runs and the watcher have written."""
