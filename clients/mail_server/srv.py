"""The mail servers that the domain of an address names in DNS (RFC 6186, RFC 8314 5.1).

Whoever can forge an answer of DNS can name any server. So one counts only if it is in the domain itself, and shows a
certificate for its name; any other has to be entered by a person (RFC 6186 6).
"""

from __future__ import annotations

import time
from functools import lru_cache

from msgspec import Struct

from clients.deadline import seconds_left
from clients.errors import Timeout, Unavailable
from clients.mail_server.providers import SERVICE
from clients.mail_server.wire import Security
from clients.reads_only import checked

_CONFIGURATION = "/etc/resolv.conf"
_PORT = 53
_SECONDS = 5.0
_KEPT_SECONDS = 3600
_OTHERWISE = "Try again, or enter the server; your provider's help names it."
_IMAP: tuple[tuple[str, Security], ...] = (("_imaps", "tls"), ("_imap", "starttls"))
_SMTP: tuple[tuple[str, Security], ...] = (("_submissions", "tls"), ("_submission", "starttls"))
"""Encryption from the start is preferred (RFC 8314 5.1)."""
_IMAP_PORT, _SMTP_PORT = 993, 465
_RESERVED = frozenset({"test", "example", "invalid", "localhost", "local", "onion"})
"""Top-level names that DNS does not have (RFC 6761, RFC 6762, RFC 7686)."""


class NamedServer(Struct, frozen=True):
    """A server that a domain names."""

    host: str
    port: int
    security: Security

    def is_in(self, domain: str) -> bool:
        """Return whether it is in a domain, as far as its name tells."""
        return f".{self.host}".lower().endswith(f".{domain.lower()}")


class NamedServers(Struct, frozen=True):
    """The servers that a domain names, None where it names none."""

    imap: NamedServer | None = None
    smtp: NamedServer | None = None

    @property
    def settings(self) -> str:
        """The settings of a connection that name them."""
        found = [f"host={self.imap.host}"] if self.imap else []
        found += _unusual(self.imap, _IMAP_PORT, "")
        found += [f"smtp_host={self.smtp.host}"] if self.smtp else []
        return ", ".join([*found, *_unusual(self.smtp, _SMTP_PORT, "smtp_")])


def _unusual(server: NamedServer | None, usual: int, of: str) -> list[str]:
    if server is None or (server.port, server.security) == (usual, "tls"):
        return []
    return [f"{of}port={server.port}", f"{of}security={server.security}"]


def servers_of(domain: str) -> NamedServers:
    """Return the servers that a domain names; the answer is kept for an hour. Raises Unavailable, Timeout."""
    domain = domain.lower().rstrip(".")
    if domain.rpartition(".")[2] in _RESERVED:
        return NamedServers()
    return _asked(domain, int(time.monotonic() // _KEPT_SECONDS))


@lru_cache(maxsize=64)
def _asked(domain: str, _hour: int) -> NamedServers:
    return NamedServers(_first(domain, _IMAP), _first(domain, _SMTP))


def _first(domain: str, services: tuple[tuple[str, Security], ...]) -> NamedServer | None:
    for service, security in services:
        found = _server(f"{service}._tcp.{domain}", security)
        if found is not None:
            return found
    return None


def _server(name: str, security: Security) -> NamedServer | None:
    """Return the server of a record: the one of the lowest priority, and of those of the highest weight (RFC 2782)."""
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, LifetimeTimeout, NoAnswer, Resolver

    try:
        resolver = Resolver(filename=_CONFIGURATION)
        resolver.port = _PORT
        with checked():  # a question to DNS changes nothing
            records = resolver.resolve(name, "SRV", search=False, lifetime=seconds_left(_SECONDS, TimeoutError))
    except (NXDOMAIN, NoAnswer):
        return None
    except (LifetimeTimeout, TimeoutError) as error:
        raise Timeout(f"DNS did not answer in time: {name}.", service=SERVICE, remedy=_OTHERWISE) from error
    except (DNSException, ValueError, OSError) as error:  # no resolver, an answer that is none, no such name
        raise Unavailable(f"DNS gave no answer ({error}): {name}.", service=SERVICE, remedy=_OTHERWISE) from error
    best = min(records, key=lambda one: (one.priority, -one.weight))
    host = best.target.to_text(omit_final_dot=True)
    return None if host in ("", ".") else NamedServer(host, best.port, security)
