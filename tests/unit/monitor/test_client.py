"""Who a request is from, by what the kernel knows of its connection and by what the balancer says."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitor.client import CONNECTION, Balancer, client_of

BALANCER, OTHER = 991, 1000
PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "fc00::/7")))
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2122 00000000:0000 0A 00000000:00000000 00:00000000 00000000   995        0 9761 1 0 100 0 0 10 0
   1: 0100007F:BC4D 0100007F:2122 01 00000000:00000000 00:00000000 00000000   991        0 9762 1 0 100 0 0 10 0
   2: 0100007F:BC4E 0100007F:2122 01 00000000:00000000 00:00000000 00000000  1000        0 9763 1 0 100 0 0 10 0
   3: 0100007F:BC4F 0100007F:2122 01 00000000:00000000 00:00000000 00000000   991        0 9764 1 0 100 0 0 10 0
   4: 0100007F:BC4F 0200007F:2122 01 00000000:00000000 00:00000000 00000000  1000        0 9765 1 0 100 0 0 10 0
   5: 0100007F:BC50 0100007F:1F90 01 00000000:00000000 00:00000000 00000000   991        0 9766 1 0 100 0 0 10 0
   6: 0700000A:BC4E 0700000A:2122 01 00000000:00000000 00:00000000 00000000  1000        0 9767 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address                         remote_address                        st tx_queue rx_queue tr
   0: 00000000000000000000000001000000:BC51 00000000000000000000000001000000:2122 01 0:0 0:0 0   991        0 1
   1: 0000000000000000FFFF00000100007F:BC52 0000000000000000FFFF00000100007F:2122 01 0:0 0:0 0   991        0 1
"""
ROUTE = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
ens5	00000000	0100000A	0003	0	0	0	00000000	0	0	0
ens5	0000000A	00000000	0001	0	0	0	00FFFFFF	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
"""
ROUTE6 = (
    "fd000000000000000000000000000000 40 " + "0" * 32 + " 00 " + "0" * 32 + " 00000100 00000001 0 00000001 docker0\n"
)


@pytest.fixture
def balancer(tmp_path: Path) -> Balancer:
    for name, text in {"tcp": TCP, "tcp6": TCP6, "route": ROUTE, "ipv6_route": ROUTE6}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "docker0" / "bridge").mkdir(parents=True)
    (tmp_path / "ens5").mkdir()
    return Balancer((BALANCER,), PRIVATE, tmp_path, tmp_path)


def asked(balancer: Balancer, peer: str, port: int, forwarded: str | None = "198.51.100.1") -> str:
    environ = {"REMOTE_ADDR": peer, "REMOTE_PORT": str(port), "SERVER_PORT": "8482"}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_of(environ, balancer)


@pytest.mark.parametrize(
    ("peer", "port", "believed"),
    [
        pytest.param("127.0.0.1", 0xBC4D, True, id="the balancer's process on this host"),
        pytest.param("127.0.0.1", 0xBC4E, False, id="a process of another user of this host"),
        pytest.param("10.0.0.7", 0xBC4E, False, id="the same, by the host's own address"),
        pytest.param("127.0.0.1", 0xBC4F, False, id="another user that shares the balancer's port"),
        pytest.param("127.0.0.1", 0xBC50, False, id="a port from which the balancer speaks with another service"),
        pytest.param("127.0.0.1", 0xBBBB, False, id="a process that has closed its connection"),
        pytest.param("::1", 0xBC51, True, id="the balancer by IPv6"),
        pytest.param("::ffff:127.0.0.1", 0xBC52, True, id="the balancer by IPv4 on a socket of IPv6"),
        pytest.param("10.0.0.99", 40000, True, id="the balancer in this subnet"),
        pytest.param("10.9.0.99", 40000, True, id="the balancer behind the router"),
        pytest.param("172.31.0.99", 40000, True, id="the balancer in a VPC of the range that Docker takes"),
        pytest.param("172.17.0.2", 40000, False, id="a container of this host"),
        pytest.param("fd00::2", 40000, False, id="the same by IPv6"),
        pytest.param("203.0.113.5", 40000, False, id="somebody on the internet"),
    ],
)
def test_the_header_counts_where_the_balancer_sent_it(balancer: Balancer, peer: str, port: int, believed: bool) -> None:
    assert (asked(balancer, peer, port) == "198.51.100.1") is believed


def test_the_kernel_is_asked_once_for_a_connection(balancer: Balancer, tmp_path: Path) -> None:
    environ = {"REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": str(0xBC4D), "SERVER_PORT": "8482", CONNECTION: {}}
    environ["HTTP_X_FORWARDED_FOR"] = "198.51.100.1"
    assert client_of(environ, balancer) == "198.51.100.1"
    (tmp_path / "tcp").unlink()
    environ["HTTP_X_FORWARDED_FOR"] = "198.51.100.2"
    assert client_of(environ, balancer) == "198.51.100.2"


def test_without_the_header_the_peer_is_the_client(balancer: Balancer) -> None:
    assert asked(balancer, "127.0.0.1", 0xBC4D, None) == "127.0.0.1"
    assert asked(balancer, "::ffff:192.0.2.1", 1, None) == "192.0.2.1"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("1.1.1.1,198.51.100.1", "198.51.100.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("198.51.100.1, ", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_of_the_header_the_last_entry_counts_if_it_is_an_address(
    balancer: Balancer, forwarded: str, client: str
) -> None:
    assert asked(balancer, "127.0.0.1", 0xBC4D, forwarded) == client


@given(st.text())
def test_whatever_the_header_holds_a_client_has_a_short_name(forwarded: str) -> None:
    balancer = Balancer((), (ipaddress.ip_network("192.0.2.1"),), Path("/nowhere"), Path("/nowhere"))
    name = client_of({"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": forwarded}, balancer)
    assert 2 < len(name) < 50
    assert name.isascii()
    assert name.isprintable()


def test_a_connection_of_this_process_is_found_in_what_the_kernel_tells() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        near, port = ipaddress.ip_address("127.0.0.1"), client.getsockname()[1]
        assert Balancer((os.getuid(),)).is_peer(near, port, server.getsockname()[1])
        assert not Balancer((os.getuid() + 1,)).is_peer(near, port, server.getsockname()[1])
