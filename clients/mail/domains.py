"""The ASCII form of internationalized domains (IDNA 2008, UTS 46), in which they are sent and compared."""

from __future__ import annotations

import re

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def ascii_domain(domain: str) -> str:
    """Return a domain as it is in the DNS: `faß.de` as `xn--fa-hia.de`; one in ASCII is returned unchanged.

    `str.encode("idna")` follows the older IDNA 2003, for which `faß.de` is `fass.de`, the domain of somebody else.

    Raises UnicodeError, with the reason, for a name that no domain can have: with a symbol, or an empty part.
    """
    if domain.isascii():
        return domain
    import idna  # its tables: most domains do not need them

    return idna.encode(domain, uts46=True).decode("ascii")


def compared_domain(domain: str) -> str:
    """Return a domain in the form that all its spellings share (RFC 5891 4.4), also what cannot be a domain."""
    try:
        return ascii_domain(domain).lower()
    except UnicodeError:  # `[192.0.2.1]`, a label of more than 63 letters
        return domain.lower()


def is_host(domain: str) -> bool:
    """Return whether a host could have this name (RFC 1123 2.1), in letters of any kind."""
    return all(map(_LABEL.fullmatch, compared_domain(domain).removesuffix(".").split(".")))
