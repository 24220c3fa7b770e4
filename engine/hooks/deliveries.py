"""What is remembered of deliveries: those that were accepted as submissions of an inbox, the others as a short list."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.base.json_text import whole_text
from engine.forms.inbox import Inbox, SentFile, Submission
from engine.hooks.bodies import value_of
from engine.hooks.fields import header_member
from engine.hooks.signatures import Received, Verdict

SHOWN = 50
"""How many deliveries people see."""
_SHOWN_CHARACTERS = 64 * 1024


@dataclass(frozen=True)
class HookDelivery:
    """A delivery as people see it in the list."""

    id: str
    at: str
    verdict: Verdict
    message: str
    """Why it was refused; empty if it was not."""
    media_type: str
    bytes: int
    state: Literal["", "waiting", "started", "left_out", "dead"] = ""
    """What became of an accepted one."""
    run_id: str | None = None


@dataclass(frozen=True)
class DeliveryBody:
    """What a delivery said; all of it is text from outside."""

    delivery: HookDelivery
    body: str
    """As it came; of a form with files, its fields as JSON."""
    is_cut: bool
    headers: dict[str, str]
    files: list[str]
    """The names of its files."""


def id_of(delivery_id: str) -> str:
    """Return the id of the item of a delivery by what its service calls it."""
    digest = hashlib.sha256(b"orchestra delivery\0" + delivery_id.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode("ascii").rstrip("=")


def new_id() -> str:
    """Return the id of the item of a delivery that its service gives no id."""
    return secrets.token_urlsafe(16)


def submission(
    id_: str,
    at: str,
    received: Received,
    headers: Mapping[str, str],
    read: tuple[str, Mapping[str, Any] | None, Mapping[str, SentFile]],
) -> Submission:
    """Return a delivery as the inbox keeps it; `headers`: those that a run gets, by their member."""
    text, fields, files = read
    values = {
        "type": received.media_type,
        "bytes": len(received.body),
        "text": whole_text(text),
        "fields": fields,
        "headers": {name: whole_text(one) for name, one in headers.items()},
        "query": {whole_text(name): whole_text(one) for name, one in received.query.items()},
        "again": False,
    }
    return Submission(id_, at, values, files)


def headers_of(received: Received, names: list[str]) -> dict[str, str]:
    """Return the headers that were chosen, by their member; one that is missing is empty."""
    return {header_member(name): received.header(name) for name in names}


def body_of(found: Submission) -> Any:
    """Return the value of a delivery's body. Raises DeliveryRefused if it can be read no more."""
    values: Mapping[str, Any] = found.values
    return values["fields"] if values["fields"] is not None else value_of(values["type"], values["text"])


def shown(found: Submission, delivery: HookDelivery) -> DeliveryBody:
    """Return what an accepted delivery said."""
    values: Mapping[str, Any] = found.values
    fields = values["fields"]
    text = values["text"] if fields is None else json.dumps(fields, ensure_ascii=False, indent=2)
    return DeliveryBody(
        delivery,
        text[:_SHOWN_CHARACTERS],
        len(text) > _SHOWN_CHARACTERS,
        values["headers"],
        [one.name for one in found.files.values()],
    )


class RefusedDeliveries:
    """The newest deliveries that started no run, in a folder beside the inbox; losing one loses nothing else."""

    def __init__(self, inbox: Inbox) -> None:
        self._folder = inbox.folder / "refused"

    def add(self, at: str, verdict: Verdict, message: str, received: Received | None, size: int) -> None:
        """Remember a delivery, and forget the oldest; a disk that is full is no reason to answer otherwise."""
        text = "" if received is None else received.body[: _SHOWN_CHARACTERS * 4].decode("utf-8", "replace")
        media = "" if received is None else received.media_type[:80]
        id_ = f"r{time.time_ns():020d}{secrets.token_hex(3)}"
        document = {
            "delivery": asdict(HookDelivery(id_, at, verdict, message, media, size)),
            "body": whole_text(text[:_SHOWN_CHARACTERS]),
            "is_cut": size > len(text.encode("utf-8", "replace")) or len(text) > _SHOWN_CHARACTERS,
        }
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._folder / id_, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(document, file)
            for name in self._names()[:-SHOWN]:
                (self._folder / name).unlink(missing_ok=True)

    def newest(self) -> list[HookDelivery]:
        """Return them, the newest first."""
        found = [self._read(name) for name in reversed(self._names())]
        return [one.delivery for one in found if one is not None]

    def get(self, id_: str) -> DeliveryBody | None:
        """Return what one said; None if it is gone."""
        return self._read(id_) if id_ in self._names() else None

    def _names(self) -> list[str]:
        try:
            return sorted(os.listdir(self._folder))  # noqa: PTH208 - names, not paths
        except FileNotFoundError:
            return []

    def _read(self, name: str) -> DeliveryBody | None:
        try:
            document = json.loads((self._folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # forgotten meanwhile, or half written when the process died
            return None
        return DeliveryBody(HookDelivery(**document["delivery"]), document["body"], document["is_cut"], {}, [])
