"""Submissions of a form on a page of this server, which anybody may fill in who has its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from clients.errors import NotFound, Unavailable
from engine.base.clock import moment_of
from engine.base.errors import StorageError
from engine.base.json_text import JsonSchema
from engine.base.run_file import FileContent
from engine.forms.fields import FormFields, problems_of, values_schema
from engine.forms.inbox import Inbox, Submission
from engine.plugins.step import JsonValue, Output, Prompts, outside
from engine.plugins.trigger import Found, Item, Look, TriggerType

_BEFORE = "it was sent before the trigger was turned on"
_DISK = "Check the disk of the workspace, and who may read its folder."
_TITLE_MOST = 80


class FormItem(Output):
    """A submission."""

    id: str
    submitted_at: datetime
    values: dict[str, Any] = outside("What was filled in, by the names of the fields")
    text: str = outside("All of it as text: a line for each field with its label; files by name")


class FormSubmitted(TriggerType):
    """Starts a run each time somebody submits the form that it describes.

    While the trigger is on, the server shows the form at an address that nobody can guess. Anyone who has the address
    can fill it in without signing in. A field that was left empty has an empty value; an optional number or file is
    then null. A file is a file of the run.
    """

    name = "form.submitted"
    title = "A form that anybody may fill in"
    happens = "somebody sends its form"
    unmade = "A submission needs the signed id of a page that the form has shown."
    fields = FormFields
    item = FormItem
    poll_seconds = 10.0
    start_from = ("now",)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Refuse names that are used twice, and choices that are missing."""
        return [("fields", message) for message in problems_of(_list(arguments))]

    def item_schema_of(self, fields: Mapping[str, Any]) -> JsonSchema:
        """Return the schema with the values of these fields."""
        schema = self.item_schema()
        return {**schema, "properties": {**schema["properties"], "values": values_schema(_list(fields))}}

    def look(self, look: Look) -> Found:
        """List what waits, the oldest first; the first look leaves out what is already there."""
        inbox = _inbox(look)
        try:
            new = look.unseen(inbox.ids())
            listed = new[: look.limit]
            items = [item for id_ in listed if (item := _listed(inbox, id_, look)) is not None]
        except (OSError, StorageError) as error:
            raise Unavailable(f"What was sent to the form cannot be read: {error}", remedy=_DISK) from error
        return Found(items, {}, has_more=len(new) > len(listed))

    def read(self, look: Look, item: Item) -> Item:
        """Return a submission with its value. Raises NotFound, Unavailable."""
        inbox = _inbox(look)
        try:
            found = inbox.get(item.id)
        except StorageError as error:
            raise Unavailable(error.message, remedy=_DISK) from error
        if found is None:
            raise NotFound("The submission is gone.")
        return Item(item.id, _value(look.fields, inbox, found), item.title, item.at)


def _list(arguments: Mapping[str, Any]) -> Sequence[Any]:
    found = arguments.get("fields")
    return found if isinstance(found, list) else []


def _inbox(look: Look) -> Inbox:
    inbox: Inbox = look.around.inbox
    return inbox


def _listed(inbox: Inbox, id_: str, look: Look) -> Item | None:
    found = inbox.get(id_)
    if found is None:  # taken by another process since it was listed
        return None
    return Item(id_, None, _title(look.fields, found), moment_of(found.at), _BEFORE if look.cursor is None else "")


def _title(fields: FormFields, found: Submission) -> str:
    """Return the first text that was filled in."""
    values = (found.values.get(one.name) for one in fields.fields if one.type in ("text", "email", "long_text"))
    text = next((one for one in values if isinstance(one, str) and one), fields.title)
    return " ".join(text.split())[:_TITLE_MOST]


def _value(fields: FormFields, inbox: Inbox, found: Submission) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for one in fields.fields:
        if one.type == "file":
            file = found.files.get(one.name)
            values[one.name] = (
                None
                if file is None
                else FileContent(name=file.name, media_type=file.media_type, path=inbox.path(found.id, file))
            )
        else:
            values[one.name] = found.values.get(one.name, _EMPTY.get(one.type, ""))
    return {"id": found.id, "submitted_at": found.at, "values": values, "text": _text(fields, values)}


_EMPTY: Mapping[str, JsonValue] = {"number": None, "checkbox": False}


def _text(fields: FormFields, values: Mapping[str, Any]) -> str:
    return "\n".join(f"{one.label}: {_shown(values[one.name])}" for one in fields.fields)


def _shown(value: Any) -> str:
    if isinstance(value, FileContent):
        return value.name
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
