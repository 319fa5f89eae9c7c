"""An authority of a test's own, and what it signs: PEM files in a folder, NAME.pem and NAME-key.pem."""

from __future__ import annotations

import subprocess
from pathlib import Path

AUTHORITY = "ca"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_authority(folder: Path) -> None:
    """Makes ca.pem."""
    subject = ("-subj", "/CN=authority", "-keyout", f"{AUTHORITY}-key.pem", "-out", f"{AUTHORITY}.pem")
    _openssl(folder, "req", "-x509", *_KEY, "-days", "2", *subject)


def make_certificate(folder: Path, name: str, subject: str, *alternatives: str) -> None:
    """Makes NAME.pem, for a server where there are ``alternatives`` (IP:ADDRESS, DNS:NAME), for a client elsewhere."""
    use = f"subjectAltName={','.join(alternatives)}\nextendedKeyUsage=serverAuth\n" if alternatives else ""
    (folder / f"{name}.ext").write_text(use or "extendedKeyUsage=clientAuth\n")
    _openssl(folder, "req", *_KEY, "-subj", subject, "-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
    signed = ("-CA", f"{AUTHORITY}.pem", "-CAkey", f"{AUTHORITY}-key.pem", "-CAcreateserial", "-days", "2")
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-extfile", f"{name}.ext", "-out", f"{name}.pem")


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], check=True, cwd=folder, capture_output=True)
