"""What the clients of models do alike: open, name the server, and check that the model is there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

import httpx
from pydantic import SecretStr

from clients.check_line import CheckLine
from clients.client import Client, Opening
from clients.models.asking import check_lines


class ModelSettings(Protocol):
    """The settings that all connections to models have."""

    api_key: SecretStr
    base_url: str
    model: str


class ModelClient(Client):
    """One account of a model server."""

    http: httpx.Client
    parameters: ClassVar[frozenset[str]]
    """The parameters of a request that it takes over from a request to another service."""

    def __init__(self, settings: ModelSettings, http: httpx.Client) -> None:
        self.http = http
        self.model = settings.model
        self.base_url = settings.base_url
        self._key = settings.api_key
        self._without_schemas: set[str] = set()
        """Models that refuse a schema in the request."""

    @classmethod
    def open(cls, settings: Any, opening: Opening) -> Self:
        """Return a client for these settings."""
        return cls(settings, opening.http(cls.service, settings.base_url))

    def account(self) -> str:
        """Return the server's host and port: there is no account that could be named without revealing the key."""
        return httpx.URL(self.base_url).netloc.decode("ascii")

    def check(self) -> list[CheckLine]:
        """Run the checks that workflows depend on: [(what, ok, sentence)]; raises no service error."""
        return check_lines(self.service, self.account(), self.model, self.models)

    def context_tokens(self, model: str = "") -> int | None:
        """Return how many tokens a model reads at once; None if that is unknown. Empty: the connection's own model."""
        del model
        return None

    def count_tokens(self, text: str, model: str = "") -> int | None:
        """Return how many tokens a text has for a model, as its server counts them; None if the server does not."""
        del text, model
        return None

    @abstractmethod
    def models(self) -> Sequence[str]:
        """List the names of the models that the account may use."""
