"""What a connection to some HTTP service sends beside the request: who asks, and to which hosts alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, quote_plus

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from clients import failures
from clients.transport import origin

_SHORTEST_SECRET = 6
"""A shorter word stands in answers by chance; blotting it out would spoil them."""


class HttpSettings(BaseModel):
    """What `connections.<name>` of `http` may say in config.yaml.

    `token` (Bearer, RFC 6750), or `user` and `password` (Basic, RFC 7617), `headers`, and `query`, parameters that are
    added to the address: all of it goes only to `allow_hosts` (`host` or `host:port`); these may be private addresses.
    """

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = SecretStr("")
    user: str = ""
    password: SecretStr = SecretStr("")
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    query: dict[str, SecretStr] = Field(default_factory=dict)
    allow_hosts: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        ways = [
            bool(self.token.get_secret_value()),
            bool(self.user),
            any(name.lower() == "authorization" for name in self.headers),
        ]
        if sum(ways) > 1:
            raise ValueError("give one of token, user with password, and a header Authorization")
        return self


@dataclass(frozen=True)
class Credentials:
    """The secrets of one connection; they go to its hosts, and nothing that is shown may hold them."""

    hosts: frozenset[str]
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, settings: HttpSettings) -> Credentials:
        """Read them from the settings."""
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        query = {name: value.get_secret_value() for name, value in settings.query.items()}
        token, password = settings.token.get_secret_value(), settings.password.get_secret_value()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if settings.user:
            pair = base64.b64encode(f"{settings.user}:{password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {pair}"
        hosts = frozenset(host.lower() for host in settings.allow_hosts)
        return cls(hosts, headers, query, _spellings([password, *headers.values(), *query.values()]))

    @property
    def are_any(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.headers or self.query)

    def are_for(self, url: httpx.URL) -> bool:
        """Whether the connection names the host of an address."""
        host = url.host.lower()
        return not self.hosts.isdisjoint({host, origin(url).split("//")[1].lower()})

    def added(self, url: httpx.URL) -> httpx.URL:
        """Give the address with the connection's parameters, where they may go."""
        return url.copy_merge_params(self.query) if self.query and self.are_for(url) else url

    def without(self, url: httpx.URL) -> httpx.URL:
        """Give the address without them, as it may be shown."""
        for name in self.query:
            url = url.copy_remove_param(name)
        return url

    def blotted(self, text: str) -> str:
        """Give a text with every secret in it made unreadable: some servers repeat what they were sent."""
        return failures.without_secrets(text, self.secrets)

    def blotted_json(self, value: Any) -> Any:
        """Do the same in every text of a JSON value."""
        if not self.secrets:
            return value
        if isinstance(value, str):
            return self.blotted(value)
        if isinstance(value, list):
            return [self.blotted_json(each) for each in value]
        if isinstance(value, dict):
            return {self.blotted(name): self.blotted_json(each) for name, each in value.items()}
        return value


def _spellings(values: list[str]) -> frozenset[str]:
    """Each secret as it may come back: whole, without the word before it ("Bearer"), and as a part of an address."""
    words = {part for value in values for part in (value, value.rpartition(" ")[2])}
    written = {spelled for word in words for spelled in (word, quote(word, safe=""), quote_plus(word))}
    return frozenset(word for word in written if len(word) >= _SHORTEST_SECRET)
