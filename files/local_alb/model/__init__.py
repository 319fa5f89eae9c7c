"""What the load balancer is, as immutable data, and where it is kept: everything else reads it or makes a new one."""
