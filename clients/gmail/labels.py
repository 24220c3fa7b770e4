"""Gmail labels by name (Gmail itself uses ids): create, list, add to mails and threads, remove."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from clients.error_mapping import reading
from clients.errors import Conflict, InvalidRequest, NotFound
from clients.gmail.service import GMAIL
from clients.gmail.transport import SERVICE, entries, gone
from clients.google.transport import answered, done
from clients.mail.labelled import LabelledMails, Names

_TRASH = "TRASH"


class Labels:
    """The labels of one mailbox, fetched on first use. Thread-safe."""

    def __init__(self, users: Any) -> None:
        self._users = users
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}

    def all(self) -> list[dict[str, str]]:
        """Fetch all labels again: [{id, name, type: system | user}], sorted by name."""
        found = entries(answered(self._users.labels().list(userId="me")), "labels")
        listed = [{name: str(label.get(name, "")) for name in ("id", "name", "type")} for label in found]
        return sorted(listed, key=lambda label: label["name"].casefold())

    def names(self) -> dict[str, str]:
        """Fetch all labels again: {id: name}."""
        with self._lock:
            return dict(self._read())

    def names_of(self, ids: Sequence[str]) -> list[str]:
        """Return the names of label ids, in order; an unknown id is returned as it is."""
        with self._lock:
            known = self._names
            if any(label not in known for label in ids):
                known = self._read()
            return [known.get(label, label) for label in ids]

    def create(self, name: str) -> dict[str, Any]:
        """Create a label unless it exists: {id, name, created}."""
        wanted = _name(name)
        with self._lock:
            self._read()
            known = self._id(wanted)
            label = known or self._made(wanted)
            return {"id": label, "name": self._names[label], "created": known is None}

    def found(self, name: str) -> dict[str, Any] | None:
        """Return the user label with this name, fetched again: {id, name, mails}, or None.

        Raises InvalidRequest for a system label of Gmail.
        """
        wanted = _name(name)
        with self._lock:
            self._read()
            label = self._id(wanted)
        if label is None:
            return None
        told = answered(self._users.labels().get(userId="me", id=label), "id", "name")
        if told.get("type") == "system":
            raise InvalidRequest(f"{wanted!r} is a system label of Gmail and cannot be changed.", service=SERVICE)
        with reading(GMAIL):
            return {"id": label, "name": str(told["name"]), "mails": int(told.get("messagesTotal") or 0)}

    def rename(self, label: str, name: str) -> None:
        """Give a label another name. Raises Conflict if there is one of that name, NotFound."""
        answered(self._users.labels().patch(userId="me", id=label, body={"name": _name(name)}), "id", "name")
        with self._lock:
            self._names = {}

    def delete(self, label: str) -> None:
        """Delete a label by its id; it comes off all mails. If it is already gone, do nothing."""
        with suppress(NotFound):
            done(self._users.labels().delete(userId="me", id=label))
        with self._lock:
            self._names = {}

    def name_of(self, label: str) -> str | None:
        """Return the present name of a label by its id; None if it is gone."""
        try:
            return str(answered(self._users.labels().get(userId="me", id=label), "id", "name")["name"])
        except NotFound:
            return None

    def delete_unused(self, label: str) -> None:
        """Delete a label by its id; if it is already gone, do nothing. Raises Conflict if a mail has it."""
        with suppress(NotFound):
            found = answered(self._users.labels().get(userId="me", id=label), "id")
            with reading(GMAIL):
                count = int(found.get("messagesTotal") or 0)
            if count:
                raise Conflict(f"The label is now on {count} mail{'s' * (count > 1)}.", service=SERVICE)
            done(self._users.labels().delete(userId="me", id=label))

    def on(self, target: LabelledMails) -> Names:
        """Return the current labels of the mail, or of each mail of the thread."""
        with _there(target):
            return self._on(target)

    def change(self, target: LabelledMails, add: Sequence[str], remove: Sequence[str]) -> Names:
        """Add and remove labels by name, creating those that are missing; return the labels afterwards.

        The trash is a label here. Removing a label that does not exist does nothing.
        """
        adding, removing = ([_name(label) for label in dict.fromkeys(labels)] for labels in (add, remove))
        with _there(target):
            return self._changed(target, adding, removing)

    def _on(self, target: LabelledMails) -> Names:
        found = answered(_resource(self._users, target).get(userId="me", id=target.id, format="minimal"), "id")
        return self._of(target, found)

    def _changed(self, target: LabelledMails, adding: list[str], removing: list[str]) -> Names:
        resource = _resource(self._users, target)
        found = None
        if _TRASH in adding:
            found = answered(resource.trash(userId="me", id=target.id), "id")
        if _TRASH in removing:
            found = answered(resource.untrash(userId="me", id=target.id), "id")
        adding, removing = ([label for label in labels if label != _TRASH] for labels in (adding, removing))
        if adding or removing:
            found = self._modify(target, adding, removing)
        return self._on(target) if found is None else self._of(target, found)

    def _modify(self, target: LabelledMails, add: Sequence[str], remove: Sequence[str]) -> dict[str, Any] | None:
        with self._lock:
            # A label that was made elsewhere since would otherwise be unknown, and silently stay on the mail.
            if remove:
                self._read()
            before = self._ids(add, remove)
        if not any(before.values()):
            return None
        request = _resource(self._users, target).modify
        try:
            return answered(request(userId="me", id=target.id, body=before), "id")
        except (InvalidRequest, NotFound):
            # Somebody may have deleted and re-created a label since it was fetched; the refused request changed
            # nothing.
            with self._lock:
                self._read()
                after = self._ids(add, remove)
            if after == before:
                raise
            return answered(request(userId="me", id=target.id, body=after), "id")

    def _of(self, target: LabelledMails, found: Mapping[str, Any]) -> Names:
        if target.kind == "threads" and "messages" not in found:  # the answer to a change may omit them
            return self._on(target)
        messages = [found] if target.kind == "messages" else entries(dict(found), "messages")
        with reading(GMAIL):
            return {str(mail["id"]): self.names_of(mail.get("labelIds") or []) for mail in messages}

    def _ids(self, add: Sequence[str], remove: Sequence[str]) -> dict[str, list[str]]:
        if not self._names:
            self._read()
        known = [found for name in remove if (found := self._id(name)) is not None]
        return {"addLabelIds": [self._id(name) or self._made(name) for name in add], "removeLabelIds": known}

    def _id(self, name: str) -> str | None:
        same = [label for label, known in self._names.items() if known == name]
        alike = [label for label, known in self._names.items() if known.casefold() == name.casefold()]
        return next(iter([*same, *alike]), None)

    def _made(self, name: str) -> str:
        body = {"name": name, "labelListVisibility": "labelShow", "messageListVisibility": "show"}
        try:
            label = answered(self._users.labels().create(userId="me", body=body), "id", "name")
        except Conflict:  # another worker has just created it
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


def _resource(users: Any, target: LabelledMails) -> Any:
    """Return Gmail's resource; both kinds have the same methods."""
    if not target.id.strip():
        raise InvalidRequest(f"The id of the {target.kind[:-1]} is empty.", service=SERVICE)
    return getattr(users, target.kind)()


@contextmanager
def _there(target: LabelledMails) -> Iterator[None]:
    """Name the missing object in NotFound: Gmail's own message does not."""
    try:
        yield
    except NotFound as error:
        raise gone("mail" if target.kind == "messages" else "thread", target.id, error) from error
