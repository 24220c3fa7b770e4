"""What a connection to some HTTP service sends beside the request: who asks, and to which hosts alone."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, quote_plus

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from clients import failures
from clients.transport import origin

_SHORTEST_SECRET = 6
"""A shorter word stands in answers by chance; blotting it out would spoil them."""

_CODINGS = ("utf-8", "utf-16-le", "utf-16-be")


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

    def blotted_bytes(self, content: bytes) -> bytes:
        """Do the same in the bytes of a text, in UTF-8 or UTF-16, and leave all other bytes as they are."""
        for coding in _CODINGS:
            for secret in self.secrets:
                content = content.replace(secret.encode(coding), "***".encode(coding))
        return content

    def are_in(self, content: bytes) -> bool:
        """Tell whether bytes hold a secret, also where lines are broken inside of it (MIME breaks base64)."""
        unbroken = content.translate(None, b"\r\n")
        written = {secret.encode(coding) for secret in self.secrets for coding in _CODINGS}
        return any(secret in content or secret in unbroken for secret in written)

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
    """Each secret as it may come back: whole, without the word before it ("Bearer"), and escaped or in base64."""
    words = {part for value in values for part in (value, value.rpartition(" ")[2])}
    written = {spelled for word in words for spelled in (word, *_escaped(word), *_in_base64(word))}
    return frozenset(word for word in written if len(word) >= _SHORTEST_SECRET)


def _escaped(word: str) -> Iterator[str]:
    """Give a word as part of an address, of JSON (where some escape a slash) and of HTML."""
    in_json = json.dumps(word)[1:-1]
    yield from (quote(word, safe=""), quote_plus(word), in_json, in_json.replace("/", "\\/"), html.escape(word))


def _in_base64(word: str) -> Iterator[str]:
    """Give what base64 (RFC 4648) of a longer text has of a word, wherever it stands: 3 bytes make 4 letters."""
    plain = word.encode()
    if len(plain) < _SHORTEST_SECRET:
        return
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(plain)) // 6  # letters made of the word's bits alone
        for coded in (base64.b64encode, base64.urlsafe_b64encode):
            yield coded(bytes(before) + plain)[first:last].decode("ascii")
