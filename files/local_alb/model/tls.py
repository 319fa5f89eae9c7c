"""What listeners say about TLS: the ARNs of certificates and the security policies."""

from __future__ import annotations

from .world import ACCOUNT, REGION

# What stands before a certificate's name in its ARN.
CERTIFICATE_ARN = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/"
# The self-signed certificate of this host.
LOCAL_CERTIFICATE_ARN = f"{CERTIFICATE_ARN}local"
# The oldest TLS version that each policy allows, from "Security policies for your Application Load Balancer". HAProxy
# speaks TLS 1.2 at least: OpenSSL 3 offers no older one at its default security level.
SSL_POLICIES = {
    "ELBSecurityPolicy-2016-08": "TLSv1.2",
    "ELBSecurityPolicy-TLS-1-2-2017-01": "TLSv1.2",
    "ELBSecurityPolicy-TLS13-1-2-2021-06": "TLSv1.2",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06": "TLSv1.2",
    "ELBSecurityPolicy-TLS13-1-3-2021-06": "TLSv1.3",
}
