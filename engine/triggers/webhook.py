"""Deliveries to an address of this server, from any service that calls webhooks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from clients.errors import BadAnswer
from engine.base.json_text import JsonSchema
from engine.base.run_file import FileContent, RunFile
from engine.forms.inbox import Inbox, SentFile, Submission
from engine.hooks.deliveries import body_of
from engine.hooks.fields import CHECK_IT, UNCHECKED, WebhookFields, header_member, problems_of
from engine.hooks.signatures import DeliveryRefused
from engine.plugins.step import JsonValue, Output, Prompts, outside
from engine.triggers.submissions import FromInbox

_TITLES = ("title", "subject", "name", "type", "event", "action")
"""The members of a body that say what it is about, the best first."""


class WebhookItem(Output):
    """A delivery."""

    id: str
    received_at: datetime
    body: Any = outside("The body: what JSON says; of a form its fields; of XML its elements; else the text")
    text: str = outside("The body as it came; empty for a form with files")
    headers: dict[str, str] = outside("The chosen headers, in lower case with _: headers.x_github_event")
    query: dict[str, str] = outside("What the address said behind ?")
    files: list[RunFile] = outside("The files of a form")


class WebhookReceived(FromInbox):
    """Starts a run for each delivery of a service to an address of this server.

    While the trigger is on, the server takes deliveries at an address with a secret part. `verify` says how a delivery
    proves who sent it: by the signature of a service, by a token, or by a signature of your own description. A delivery
    is on disk before it is answered, and the same one again starts no second run.
    """

    name = "webhook.received"
    title = "A webhook"
    happens = "a service calls its address"
    unmade = "Deliveries come from outside, with a key that steps do not have."
    fields = WebhookFields
    item = WebhookItem
    inbox = "hooks"
    sent = "The delivery"
    again_seconds = 1.0

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Refuse a signature that proves nothing, and headers with secrets."""
        return problems_of(arguments)

    def caution(self, fields: Mapping[str, Any]) -> tuple[str, str]:
        """Warn if nothing is checked."""
        return (UNCHECKED, CHECK_IT) if fields.get("verify", "none") == "none" else ("", "")

    def item_schema_of(self, fields: Mapping[str, Any]) -> JsonSchema:
        """Return the schema with the chosen headers."""
        schema, chosen = self.item_schema(), fields.get("headers")
        names = [header_member(str(one)) for one in chosen] if isinstance(chosen, list) else []
        headers = {
            **schema["properties"]["headers"],
            "properties": {name: {"type": "string", "outside": True} for name in names},
            "required": names,
            "additionalProperties": False,
        }
        return {**schema, "properties": {**schema["properties"], "headers": headers}}

    def title_of(self, fields: WebhookFields, found: Submission) -> str:
        """Return what a JSON body or a form calls itself."""
        with suppress(DeliveryRefused):
            body = body_of(found)
            named = [body.get(name) for name in _TITLES] if isinstance(body, dict) else []
            return next((one for one in named if isinstance(one, str) and one.strip()), "Delivery")
        return "Delivery"

    def value_of(self, fields: WebhookFields, inbox: Inbox, found: Submission) -> dict[str, JsonValue]:
        """Return a delivery with its files. Raises BadAnswer."""
        values: Mapping[str, Any] = found.values
        try:
            body = body_of(found)
        except DeliveryRefused as error:
            raise BadAnswer(error.message) from error
        return {
            "id": found.id,
            "received_at": found.at,
            "body": body,
            "text": values["text"],
            "headers": {name: values["headers"].get(name, "") for name in map(header_member, fields.headers)},
            "query": values["query"],
            "files": [_content(inbox, found.id, file) for file in found.files.values()],
        }


def _content(inbox: Inbox, id_: str, file: SentFile) -> FileContent:
    """Return a file under a second name: the run takes that one, and the delivery keeps its own."""
    path = inbox.path(id_, file)
    given = path.with_suffix(".given")
    Path(given).unlink(missing_ok=True)
    os.link(path, given)
    return FileContent(name=file.name, media_type=file.media_type, path=given)
