"""Credentials of a generic HTTP connection, and the only hosts that they are sent to."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from clients.http.service import HttpSettings
from clients.secrets import Secrets, known
from clients.transport import origin

_SHORTEST_SECRET = 6
"""A shorter word occurs in answers by chance; redacting it would corrupt them."""


@dataclass(frozen=True)
class Credentials:
    """The secrets of one connection: sent to its hosts only, and removed from everything that is shown."""

    hosts: frozenset[str]
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    secrets: Secrets = field(repr=False)

    @classmethod
    def of(cls, settings: HttpSettings) -> Credentials:
        """Create them from the settings."""
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        query = {name: value.get_secret_value() for name, value in settings.query.items()}
        token, password = settings.token.get_secret_value(), settings.password.get_secret_value()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if settings.user:
            pair = base64.b64encode(f"{settings.user}:{password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {pair}"
        hosts = frozenset(host.lower() for host in settings.allow_hosts)
        return cls(hosts, headers, query, _secrets([password, *headers.values(), *query.values()]))

    @property
    def are_any(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.headers or self.query)

    def are_for(self, url: httpx.URL) -> bool:
        """Return whether the connection names the host of a URL."""
        host = url.host.lower()
        return not self.hosts.isdisjoint({host, origin(url).split("//")[1].lower()})

    def added(self, url: httpx.URL) -> httpx.URL:
        """Return the URL with the connection's parameters, if its host may receive them."""
        return url.copy_merge_params(self.query) if self.query and self.are_for(url) else url

    def without(self, url: httpx.URL) -> httpx.URL:
        """Return the URL without them, for display."""
        for name in self.query:
            url = url.copy_remove_param(name)
        return url

    def redacted(self, text: str) -> str:
        """Return the text with every secret redacted: some servers echo what they were sent."""
        return known.in_data(self.secrets.in_data(text))

    def redacted_bytes(self, content: bytes) -> bytes:
        """Redact secrets in the bytes of a text; all other bytes stay the same."""
        return known.in_bytes(self.secrets.in_bytes(content))

    def are_in(self, content: bytes) -> bool:
        """Return whether bytes contain a secret."""
        return self.secrets.are_in(content) or known.are_in(content)

    def redacted_json(self, value: Any) -> Any:
        """Redact secrets in every string of a JSON value."""
        return known.in_json(self.secrets.in_json(value))


def _secrets(values: Iterable[str]) -> Secrets:
    """Return each value, and the part that follows a word such as "Bearer"."""
    words = {part for value in values for part in (value, value.rpartition(" ")[2])}
    return Secrets(words, shortest=_SHORTEST_SECRET, shortest_in_data=_SHORTEST_SECRET)
