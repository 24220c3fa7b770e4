"""Gmail's labels by name: Gmail itself knows them by id."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.gmail_sign_in_file import SERVICE
from clients.gmail_transport import answered, entries


class Labels:
    """The labels of one mailbox, read when first needed. Threads may share it."""

    def __init__(self, users: Any) -> None:
        self._users = users
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}

    def names(self) -> dict[str, str]:
        """Read all labels anew: {id: name}."""
        with self._lock:
            return dict(self._read())

    def names_of(self, ids: Sequence[str]) -> list[str]:
        """Give the names of label ids, in their order; an id without a label stands for itself."""
        with self._lock:
            known = self._names
            if any(label not in known for label in ids):
                known = self._read()
            return [known.get(label, label) for label in ids]

    def add(self, message: str, labels: Sequence[str]) -> dict[str, Any]:
        """Put labels on a mail, made where they are missing; gives Gmail's answer {id, labelIds}."""
        wanted = list(dict.fromkeys(_name(label) for label in labels))
        with self._lock:
            before = self._ids(wanted)
        try:
            return self._modify(message, before)
        except (InvalidRequest, NotFound):
            # Somebody may have deleted and made anew a label since it was read: nothing was done yet.
            with self._lock:
                self._read()
                after = self._ids(wanted)
            if after == before:
                raise
            return self._modify(message, after)

    def remove(self, message: str, labels: Sequence[str]) -> None:
        """Take labels off a mail; a label or a mail that is gone has nothing left to take off."""
        with self._lock:
            self._read()
            ids = [found for label in labels if (found := self._id(label)) is not None]
        if not ids:
            return
        body = {"removeLabelIds": ids}
        with suppress(NotFound):
            answered(self._users.messages().modify(userId="me", id=message, body=body), "id")

    def _modify(self, message: str, ids: Sequence[str]) -> dict[str, Any]:
        if not message.strip():
            raise InvalidRequest("The id of the mail is empty.", service=SERVICE)
        request = self._users.messages().modify(userId="me", id=message, body={"addLabelIds": list(ids)})
        return answered(request, "id")

    def _ids(self, names: Sequence[str]) -> list[str]:
        if not self._names:
            self._read()
        return [self._id(name) or self._made(name) for name in names]

    def _id(self, name: str) -> str | None:
        same = [label for label, known in self._names.items() if known == name]
        alike = [label for label, known in self._names.items() if known.casefold() == name.casefold()]
        return next(iter([*same, *alike]), None)

    def _made(self, name: str) -> str:
        body = {"name": name, "labelListVisibility": "labelShow", "messageListVisibility": "show"}
        try:
            label = answered(self._users.labels().create(userId="me", body=body), "id", "name")
        except Conflict:  # another worker made it a moment ago
            self._read()
            found = self._id(name)
            if found is None:
                raise
            return found
        self._names[str(label["id"])] = str(label["name"])
        return str(label["id"])

    def _read(self) -> dict[str, str]:
        found = entries(answered(self._users.labels().list(userId="me")), "labels")
        self._names = {str(label["id"]): str(label.get("name", label["id"])) for label in found}
        return self._names


def _name(label: str) -> str:
    name = " ".join(label.split())
    if not name or len(name) > 225:
        raise InvalidRequest(f"{label[:50]!r} cannot be the name of a label (1 to 225 characters).", service=SERVICE)
    return name
