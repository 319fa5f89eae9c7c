"""Gathers what a configuration depends on besides the world: certificates and the keys of token issuers."""

from __future__ import annotations

from local_alb.haproxy.rendering import Keyring
from local_alb.model.attributes import LOAD_BALANCER, attribute
from local_alb.model.world import World

from .certificates import Certificates
from .key_sets import KeySets, endpoints


def keyring_of(world: World, certificates: Certificates, key_sets: KeySets) -> Keyring:
    """Returns the certificates and keys that the listeners and rules of ``world`` need now."""
    tls = {}
    for listener in world.listeners.values():
        explicit = world.load_balancers[listener.load_balancer_arn].attributes
        http2 = attribute(LOAD_BALANCER, explicit, "routing.http2.enabled") == "true"
        tls[listener.arn] = certificates.words(listener, http2)
    version = str(certificates.version()) if any(tls.values()) else ""
    return Keyring(tls=tls, certificates=version, keys=key_sets.keys(endpoints(world)))
