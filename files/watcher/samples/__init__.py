"""What containers use: read from cgroup files, and kept by server."""
