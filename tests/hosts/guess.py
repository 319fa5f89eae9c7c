#!/usr/bin/env python3
"""One wrong guess at the monitor's password, with a forged X-Forwarded-For: guess.py SOURCE_ADDRESS HOST:PORT."""

from __future__ import annotations

import base64
import sys
from http.client import HTTPConnection

source, address = sys.argv[1:]
host, _, port = address.rpartition(":")
connection = HTTPConnection(host, int(port), timeout=10, source_address=(source, 0))
token = base64.b64encode(b"admin:no-such-password").decode()
connection.request("GET", "/monitor", headers={"Authorization": f"Basic {token}", "X-Forwarded-For": "203.0.113.9"})
sys.exit(connection.getresponse().status != 401)
