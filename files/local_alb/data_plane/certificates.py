"""Certificates for HTTPS listeners: PEM files in a folder, by the ARNs that stand for them.

``NAME.pem`` with a certificate (chain) and its key has the ARN ``arn:aws:acm:…:certificate/NAME``. Where the folder has
no ``local.pem``, one is made for loopback names when it is first asked for.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from pathlib import Path

from local_alb.model.tls import CERTIFICATE_ARN, LOCAL_CERTIFICATE_ARN, SSL_POLICIES
from local_alb.model.world import Listener

VALID_DAYS = 825


class Certificates:
    """The PEM files of ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def arns(self) -> frozenset[str]:
        """Returns what an HTTPS listener may name; ``…/local`` always among it."""
        return frozenset(
            {LOCAL_CERTIFICATE_ARN, *(f"{CERTIFICATE_ARN}{path.stem}" for path in self._folder.glob("*.pem"))}
        )

    def version(self) -> tuple[tuple[str, int], ...]:
        """Changes whenever a certificate is renewed."""
        return tuple(sorted((path.name, path.stat().st_mtime_ns) for path in self._folder.glob("*.pem")))

    def words(self, listener: Listener, http2: bool) -> str:
        """Returns what a ``bind`` line says after its address."""
        if listener.protocol != "HTTPS":
            return ""
        name = listener.certificates[0].removeprefix(CERTIFICATE_ARN)
        path = self._folder / f"{name}.pem"
        if name == "local" and not path.exists():
            make_local(path)
        oldest = SSL_POLICIES[listener.ssl_policy or "ELBSecurityPolicy-2016-08"]
        protocols = "h2,http/1.1" if http2 else "http/1.1"
        return f" ssl crt {path} alpn {protocols} ssl-min-ver {oldest}"


def make_local(path: Path) -> None:
    """Writes a self-signed certificate for loopback names, readable by its owner only."""
    # Only HTTPS needs the library, and it takes its time to load.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    os.replace(temporary, path)
