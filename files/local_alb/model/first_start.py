"""What every installation begins with: one load balancer and one HTTP listener that knows no route."""

from __future__ import annotations

from dataclasses import replace

from local_alb.model.tls import LOCAL_CERTIFICATE_ARN

from .world import (
    LOCAL_LISTENER_ARN,
    LOCAL_LOAD_BALANCER_ARN,
    LOCAL_NAME,
    LOCAL_VPC,
    Document,
    Listener,
    LoadBalancer,
    World,
)

SSL_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
NO_ROUTE: Document = {
    "Type": "fixed-response",
    "FixedResponseConfig": {
        "StatusCode": "404",
        "ContentType": "application/json",
        "MessageBody": '{"error": "no route matches this path"}\n',
    },
}


def first_world(loaded: World | None, port: int, now: float, protocol: str | None = None) -> World:
    """Returns ``loaded`` as it is, or a new world; the first listener is always on ``port``.

    It speaks ``protocol``, HTTP or HTTPS with the certificate of this host's own; without one what it spoke before,
    HTTP at first. ``now`` in seconds.
    """
    if loaded is None:
        balancer = LoadBalancer(
            arn=LOCAL_LOAD_BALANCER_ARN,
            name=LOCAL_NAME,
            scheme="internal",
            created=now,
            vpc_id=LOCAL_VPC,
            subnets=("subnet-00000000000000001", "subnet-00000000000000002"),
            security_groups=("sg-00000000000000001",),
        )
        listener = Listener(
            arn=LOCAL_LISTENER_ARN,
            load_balancer_arn=LOCAL_LOAD_BALANCER_ARN,
            port=port,
            protocol="HTTP",
            default_actions=(NO_ROUTE,),
        )
        loaded = World().with_load_balancer(balancer).with_listener(listener)
    before = loaded.listeners.get(LOCAL_LISTENER_ARN)
    if before is None:
        return loaded
    after = replace(before, port=port)
    if protocol and protocol != before.protocol:
        certificates, policy = ((LOCAL_CERTIFICATE_ARN,), SSL_POLICY) if protocol == "HTTPS" else ((), None)
        after = replace(after, protocol=protocol, certificates=certificates, ssl_policy=policy)
    return loaded if after == before else loaded.with_listener(after)
