"""Submissions of a form on a page of this server, which anybody may fill in who has its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.base.json_text import JsonSchema
from engine.base.run_file import FileContent
from engine.forms.fields import FormFields, problems_of, values_schema
from engine.forms.inbox import Inbox, Submission
from engine.plugins.step import JsonValue, Output, Prompts, outside
from engine.triggers.submissions import FromInbox

_EMPTY: Mapping[str, JsonValue] = {"number": None, "checkbox": False}


class FormItem(Output):
    """A submission."""

    id: str
    submitted_at: datetime
    values: dict[str, Any] = outside("What was filled in, by the names of the fields")
    text: str = outside("All of it as text: a line for each field with its label; files by name")


class FormSubmitted(FromInbox):
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
    inbox = "forms"
    sent = "What was sent to the form"

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Refuse names that are used twice, and choices that are missing."""
        return [("fields", message) for message in problems_of(_list(arguments))]

    def item_schema_of(self, fields: Mapping[str, Any]) -> JsonSchema:
        """Return the schema with the values of these fields."""
        schema = self.item_schema()
        return {**schema, "properties": {**schema["properties"], "values": values_schema(_list(fields))}}

    def title_of(self, fields: FormFields, found: Submission) -> str:
        """Return the first text that was filled in."""
        values = (found.values.get(one.name) for one in fields.fields if one.type in ("text", "email", "long_text"))
        return next((one for one in values if isinstance(one, str) and one), fields.title)

    def value_of(self, fields: FormFields, inbox: Inbox, found: Submission) -> dict[str, JsonValue]:
        """Return a submission with its files."""
        return _value(fields, inbox, found)


def _list(arguments: Mapping[str, Any]) -> Sequence[Any]:
    found = arguments.get("fields")
    return found if isinstance(found, list) else []


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
