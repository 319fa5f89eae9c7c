# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses that no server has any business with, and which of them a name may lead to. Pure.

Where instances of clouds find their metadata, and with them the credentials of the whole machine:

- 169.254.169.254, fd00:ec2::254: Amazon EC2
  (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html);
  the same address serves Google Cloud, Azure, Oracle, DigitalOcean, Hetzner and OpenStack
- 169.254.170.2: tasks of Amazon ECS (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html)
- 169.254.170.23, fd00:ec2::23: pods of Amazon EKS
  (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html)
- fd20:ce::254: Google Cloud over IPv6 (https://cloud.google.com/compute/docs/metadata/querying-metadata)
- 168.63.129.16: Azure's agent channel (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16)
- 100.100.100.200: Alibaba Cloud (https://www.alibabacloud.com/help/ecs/user-guide/view-instance-metadata)
- 192.0.0.192: Oracle Cloud Classic (https://docs.oracle.com/en/cloud/iaas-classic/compute-iaas-cloud/stcsg/)

Link-local addresses (RFC 3927, RFC 4291 section 2.5.6) never lead to another machine's service that is meant for all.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

METADATA = (
    "169.254.169.254/32",
    "169.254.170.2/32",
    "169.254.170.23/32",
    "100.100.100.200/32",
    "192.0.0.192/32",
    "168.63.129.16/32",
)
METADATA_IPV6 = ("fd00:ec2::23/128", "fd00:ec2::254/128", "fd20:ce::254/128")
RESERVED = ("169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32")
RESERVED_IPV6 = ("fe80::/10", "fd00:ec2::/32", "fd20:ce::254/128")
_RESERVED = tuple(ipaddress.IPv4Network(each) for each in RESERVED)


def ipv4_network(host: str) -> ipaddress.IPv4Network | None:
    """Returns ``host`` as a network where it is an IPv4 address or range, and None where it is a name."""
    try:
        return ipaddress.IPv4Network(host, strict=False)
    except ValueError:
        return None


def is_reserved(host: str) -> bool:
    """Returns whether an IPv4 address or range is link-local or one of a cloud's metadata, as a whole."""
    network = ipv4_network(host)
    return network is not None and any(network.subnet_of(each) for each in _RESERVED)


def is_private(host: str) -> bool:
    """Returns whether an IPv4 address or range holds one that is not of the internet."""
    network = ipv4_network(host)
    return network is not None and not network.is_global


def is_admissible(address: str, own: Collection[str]) -> bool:
    """Returns whether a name may lead to this IPv4 address (``192.0.2.7/32``): global, and not of this host (``own``).

    Whoever answers for a name chooses its addresses: they must not lead behind the host's own walls.
    """
    network = ipv4_network(address)
    return (
        network is not None
        and network.is_global
        and not network.is_multicast
        and not is_reserved(address)
        and str(network.network_address) not in own
    )
