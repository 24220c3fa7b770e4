"""The network of an address, in which a program may move without being a stranger."""

from __future__ import annotations

import ipaddress

LOOPBACK = "loopback"


def place_in_network(address: str) -> str:
    """Return the /24 of an IPv4 address, the /48 of an IPv6 address (a site, RFC 6177), or `loopback`; else ""."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_loopback:
        return LOOPBACK
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))
