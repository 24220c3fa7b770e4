"""A message of a broker that asks for a run, and what becomes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from clients.errors import ServiceError
from engine.base.errors import InvalidInput, OrchestraError, own_words
from engine.base.json_text import JsonObject, compact
from engine.base.statuses import Priority
from engine.documents.json_file import typed_value
from engine.ingress.brokers.broker import Message
from engine.store.acceptances import Request

_LONGEST_SHOWN = 2_000
_LARGEST_BYTES = 1_000_000


class Order(BaseModel):
    """The content of a message."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    workflow: str = Field(min_length=1, max_length=64)
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    idempotency_key: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")] | None = None
    environment: str = Field(default="", max_length=64)
    priority: Annotated[Priority, Field(strict=False)] | None = None

    @classmethod
    def of(cls, message: Message) -> Order:
        """Return the content of a message. Raises InvalidInput."""
        remedy = (
            "Send a JSON object with `workflow`, and where needed `inputs`, `idempotency_key`, `environment` and"
            " `priority` (docs/ingress.md)."
        )
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

    def request(self, topic: str, message: Message) -> Request:
        """Return what makes delivering it again return the same run. Raises InvalidInput if there is nothing."""
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
        return Request.of(f"ingress:{compact(parts)}", self.workflow, sent)


@dataclass(frozen=True)
class Accepted:
    """The run of a message is on disk."""

    run_id: str
    workflow: str
    idempotency_key: str | None


@dataclass(frozen=True)
class Refused:
    """A message starts no run, however often it is delivered."""

    type: str
    text: str
    remedy: str

    @classmethod
    def by(cls, error: OrchestraError | ServiceError) -> Refused:
        """Return the refusal for an error."""
        return cls(type(error).__name__, error.message, error.remedy)

    def header(self) -> str:
        """Return it as one line of JSON in ASCII, as headers take it."""
        told: dict[str, Any] = {"type": self.type, "message": self.text, "remedy": self.remedy}
        return json.dumps({name: text[:_LONGEST_SHOWN] for name, text in told.items()})


Outcome = Accepted | Refused
