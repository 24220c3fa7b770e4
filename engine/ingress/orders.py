"""A message of a broker that asks for a run, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Annotated, Any

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from clients.errors import ServiceError
from engine.base.errors import InvalidInput, OrchestraError, own_words
from engine.base.json_text import JsonObject, compact
from engine.base.statuses import Priority
from engine.documents.json_file import typed_value
from engine.ingress.bodies import KeptBody
from engine.ingress.brokers.broker import BrokerMessage
from engine.store.acceptances import IdempotentRequest

_LONGEST_TYPE, _LONGEST_TEXT = 100, 1_000
"""In ASCII, so that the headers of a dead letter fit into 4,096 bytes: the smallest frame that AMQP allows."""
_LONGEST_KEY = 1_000
"""The longest key of a request; an index of PostgreSQL takes no more than 2,700 bytes."""
_LARGEST_BYTES = 1_000_000


class RunOrder(BaseModel):
    """The content of a message."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    workflow: str = Field(min_length=1, max_length=64)
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    idempotency_key: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")] | None = None
    environment: str = Field(default="", max_length=64)
    priority: Annotated[Priority, Field(strict=False)] | None = None

    @classmethod
    def of(cls, message: BrokerMessage) -> RunOrder:
        """Return the content of a message. Raises InvalidInput."""
        remedy = (
            "Send a JSON object with `workflow`, and where needed `inputs`, `idempotency_key`, `environment` and"
            " `priority` (docs/ingress.md)."
        )
        if message.unreadable:
            raise InvalidInput(f"The headers of the message cannot be read: {message.unreadable}.", remedy=remedy)
        if len(message.body) > _LARGEST_BYTES:
            raise InvalidInput(f"The message has more than {_LARGEST_BYTES:,} bytes.", remedy="Send less at a time.")
        try:
            return cls.model_validate(typed_value(message.body.decode(), "The message"))
        except UnicodeDecodeError:
            raise InvalidInput("The message is not UTF-8.", remedy=remedy) from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise InvalidInput(f"The message: {place or 'it'}: {own_words(first)}", remedy=remedy) from None

    def request(self, topic: str, message: BrokerMessage) -> IdempotentRequest:
        """Return the request by whose key another delivery finds the same run. Raises InvalidInput without a key."""
        given = self.idempotency_key or message.sent_id
        if not given and not message.place:
            raise InvalidInput(
                "The message has no `idempotency_key`, and its broker gives it no id: delivered again, it would start"
                " a second run.",
                remedy="Send an `idempotency_key`, or a message id.",
            )
        parts = [topic, message.key, given] if given else [topic, message.place]
        sent: JsonObject = self.inputs
        if self.environment:
            sent = {"inputs": self.inputs, "environment": self.environment}
        return IdempotentRequest.of(f"ingress:{_short(compact(parts))}", self.workflow, sent)


def _short(key: str) -> str:
    """Return a key, or its hash if it is long."""
    return key if len(key) <= _LONGEST_KEY else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


class Accepted(Struct, frozen=True):
    """The run of a message is on disk."""

    run_id: str
    workflow: str
    idempotency_key: str | None


class OrderRefused(Struct, frozen=True):
    """A message starts no run, however often it is delivered."""

    type: str
    text: str
    remedy: str

    @classmethod
    def by(cls, error: OrchestraError | ServiceError) -> OrderRefused:
        """Return the refusal for an error."""
        return cls(type(error).__name__, error.message, error.remedy)

    def header(self, body: KeptBody | None = None, origin: str = "") -> str:
        """Return the refusal as a line of JSON in ASCII, for a header; with a body if the letter goes without it."""
        told: dict[str, Any] = {
            "type": _cut(self.type, _LONGEST_TYPE),
            "message": _cut(self.text, _LONGEST_TEXT),
            "remedy": _cut(self.remedy, _LONGEST_TEXT),
        }
        if body is not None:
            told["body"] = {**asdict(body), "from": _cut(origin, _LONGEST_TEXT // 2)}
        return json.dumps(told)


def _cut(text: str, most: int) -> str:
    """Return the beginning of a text, so that it has at most `most` characters once it is JSON in ASCII."""
    while len(json.dumps(text)) - 2 > most:
        text = text[: min(most, len(text) * 3 // 4)]
    return text


Outcome = Accepted | OrderRefused
