"""Decide which network addresses are public: a workflow may reach these without the owner's explicit permission."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses that `is_global` accepts (in some Python versions) although they lead to a private network: those that
# wrap an IPv4 address (RFC 6052, 8215, 3056, 4380, 4291), protocol assignments, shared space, old site-local,
# and the one public address that is a cloud's own control plane (Azure).
_INSIDE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::/96",
        "fec0::/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "100.64.0.0/10",
        "168.63.129.16/32",
    )
)


def is_public(address: Address) -> bool:
    """Return whether the address belongs to the public Internet (not loopback, private, wrapped or shared)."""
    # `::ffff:10.0.0.1` reaches 10.0.0.1, and not every version of `ipaddress` judges it by the address inside.
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return address.is_global and not any(address in network for network in _INSIDE)


def literal(host: str) -> Address | None:
    """Parse a plain IP address; return None for a host name or an odd spelling (`0x7f.1`, `2130706433`)."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])  # without a zone: `fe80::1%eth0` (RFC 4007)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address means this machine (RFC 6761: `localhost` and what is below it)."""
    address, name = literal(host), host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost") or (address is not None and address.is_loopback)


_OF_A_NETWORK = (".local", ".lan", ".internal", ".home.arpa")
"""Ends of names that only a private network knows (RFC 6762, RFC 8375; `.internal`: ICANN, and Docker's host)."""


def is_near(host: str) -> bool:
    """Return whether a host is this machine or one of a private network, by its name or address; nothing is asked."""
    address, name = literal(host), host.lower().rstrip(".")
    if address is not None:
        return not is_public(address)
    return is_loopback(name) or "." not in name or name.endswith(_OF_A_NETWORK)


def resolve(host: str, port: int, timeout_seconds: float) -> list[Address]:
    """Resolve a host with the system's resolver and return its addresses in order of preference.

    The system's resolver has no time limit, so it runs in its own thread, which is abandoned after `timeout_seconds`.
    Raises OSError (unknown name) and TimeoutError.
    """
    plain = literal(host)
    if plain is not None:
        return [plain]
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()
    threading.Thread(target=_ask, args=(host, port, answers), name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_seconds)
    except queue.Empty:
        raise TimeoutError(f"looking up {host} timed out") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _ask(host: str, port: int, answers: queue.SimpleQueue[list[Address] | OSError]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        answers.put(error)
    except UnicodeError:  # an empty label, or one over 63 characters
        answers.put(OSError(f"{host!r} is not a host name"))
    else:
        texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
        answers.put([ipaddress.ip_address(text) for text in texts])
