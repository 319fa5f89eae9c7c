"""A load balancer for one host: the ELBv2 control plane on loopback, with HAProxy as its data plane.

Requests and replies have the wire form of AWS's own service model (botocore's ``elbv2``), so that whatever drives
a real Application Load Balancer drives this one through ``endpoint_url``. The control plane keeps its state on disk
and renders HAProxy's configuration from it; HAProxy runs as a service of its own and survives this program.
"""
