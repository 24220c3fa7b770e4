"""Gmail's labels, system and user ones, with their rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from demo.service import Refused
from demo.store import Store

COLLECTION = "gmail_labels"
SYSTEM = (
    *("CHAT", "SENT", "INBOX", "IMPORTANT", "TRASH", "DRAFT", "SPAM", "STARRED", "UNREAD"),
    *("CATEGORY_FORUMS", "CATEGORY_UPDATES", "CATEGORY_PERSONAL", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL"),
)
# Set by sending and drafting only, not by labelling.
FIXED = frozenset({"SENT", "DRAFT"})
VISIBILITY = {
    "messageListVisibility": ("show", "hide"),
    "labelListVisibility": ("labelShow", "labelShowIfUnread", "labelHide"),
}
MAX_NAME = 225


@dataclass(frozen=True)
class StandInLabels:
    """The labels of the mailbox, in order of creation."""

    store: Store

    def all(self) -> list[dict[str, Any]]:
        """Return all labels, system labels first."""
        system = [{"id": each, "name": each, "type": "system"} for each in SYSTEM]
        return [*system, *self.store.all(COLLECTION)]

    def names(self) -> dict[str, str]:
        """Return names by id."""
        return {each["id"]: each["name"] for each in self.all()}

    def get(self, label_id: str) -> dict[str, Any]:
        """Return one label; raises Refused 404."""
        for each in self.all():
            if each["id"] == label_id:
                return each
        raise Refused(404, "Requested entity was not found.")

    def known(self, label_ids: Iterable[str]) -> list[str]:
        """Return the ids without duplicates; raises Refused 400 for an unknown one."""
        known = self.names()
        wanted = list(dict.fromkeys(label_ids))
        for each in wanted:
            if each not in known:
                raise Refused(400, f"Invalid label: {each}")
        return wanted

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Create a user label; raises Refused 400 or 409."""
        name = self._free_name(given.get("name"), "")
        label_id = f"Label_{self.store.next_number('gmail_label')}"
        label = {"id": label_id, "name": name, "type": "user", **_looks({**_DEFAULT_LOOKS, **given})}
        self.store.put(COLLECTION, label_id, label)
        return label

    def update(self, label_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Change name or appearance of a user label; raises Refused."""
        label = self._own(label_id)
        name = self._free_name(given.get("name", label["name"]), label_id)
        label = {**label, **_looks(given), "name": name}
        self.store.put(COLLECTION, label_id, label)
        return label

    def delete(self, label_id: str) -> None:
        """Delete a user label; the mailbox removes it from mails."""
        self._own(label_id)
        self.store.delete(COLLECTION, label_id)

    def _own(self, label_id: str) -> dict[str, Any]:
        label = self.get(label_id)
        if label["type"] == "system":
            raise Refused(400, "Cannot modify system label")
        return label

    def _free_name(self, name: Any, own_id: str) -> str:
        if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
            raise Refused(400, "Invalid label name")
        plain = name.strip()
        if plain.upper() in SYSTEM:
            raise Refused(400, "Invalid label name")
        if any(each["name"].casefold() == plain.casefold() and each["id"] != own_id for each in self.all()):
            raise Refused(409, "Label name exists or conflicts")
        return plain


_DEFAULT_LOOKS = {"messageListVisibility": "show", "labelListVisibility": "labelShow"}


def _looks(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return validated visibility and colour; raises Refused 400."""
    looks: dict[str, Any] = {}
    for name, allowed in VISIBILITY.items():
        if name in given:
            if given[name] not in allowed:
                raise Refused(400, f"Invalid value for {name}: {given[name]}")
            looks[name] = given[name]
    if isinstance(given.get("color"), dict):
        colors = given["color"]
        looks["color"] = {name: str(colors[name]) for name in ("textColor", "backgroundColor") if name in colors}
    return looks


def changed(before: Iterable[str], add: Iterable[str], remove: Iterable[str]) -> list[str]:
    """Return the labels after a change; raises Refused 400 if it includes SENT or DRAFT or contradicts itself."""
    add, remove = list(add), list(remove)
    for each in [*add, *remove]:
        if each in FIXED:
            raise Refused(400, f"Invalid label: {each}")
    if both := set(add) & set(remove):
        raise Refused(400, f"Cannot both add and remove the same label: {min(both)}")
    return [each for each in dict.fromkeys([*before, *add]) if each not in remove]
