"""The fields of a form, as a workflow file declares them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.base.json_text import JsonSchema
from engine.base.run_file import RunFile
from engine.plugins.step import Fields, option

FieldType = Literal["text", "long_text", "email", "number", "date", "choice", "checkbox", "file"]
MOST_FIELDS = 40
MOST_FILES = 5
LARGEST_FILE_MB = 25
LONGEST: Mapping[str, int] = {"text": 200, "long_text": 10_000, "email": 254}
"""Characters that a field takes unless `longest` says otherwise."""
_OUTSIDE: Mapping[str, bool] = {"outside": True}
_TEXT_MOST = 50_000


class FormField(BaseModel):
    """One field of a form."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(title="Name, as in item.values.NAME", pattern="^[a-z][a-z0-9_]{0,39}$")
    label: str = Field(title="Label", min_length=1, max_length=200)
    type: FieldType = Field("text", title="Type")
    required: bool = Field(default=False, title="Required")
    help: str = Field("", title="Hint below the label", max_length=500)
    choices: list[str] = Field([], title="What can be chosen", max_length=100)
    longest: int | None = Field(None, title="Maximum characters", ge=1, le=_TEXT_MOST)
    largest_mb: int = Field(5, title="Largest file, in MB", ge=1, le=LARGEST_FILE_MB)

    @property
    def most_characters(self) -> int:
        """How many characters it takes."""
        return self.longest or LONGEST.get(self.type, LONGEST["text"])

    @property
    def most_bytes(self) -> int:
        """How large its file may be."""
        return self.largest_mb * 1024 * 1024


class FormFields(Fields):
    """What the page shows, and how often it may be sent."""

    title: str = option("Title of the form", min_length=1, max_length=200)
    text: str = option("Text above the fields", "", max_length=5000)
    fields: list[FormField] = option("Fields", min_length=1, max_length=MOST_FIELDS, widget="records")
    thanks: str = option("Text after it has been sent", "", max_length=2000)
    per_address: int = option("Submissions per hour from one network address", 10, ge=1, le=1000)
    per_day: int = option("Submissions of this form per day", 300, ge=1, le=10_000)

    @property
    def files(self) -> list[FormField]:
        """The fields that take a file."""
        return [one for one in self.fields if one.type == "file"]

    @property
    def most_bytes(self) -> int:
        """How large a request with a submission may be: its files, its texts in UTF-8, and what stands around them."""
        texts = sum(4 * one.most_characters for one in self.fields if one.type != "file")
        return sum(one.most_bytes for one in self.files) + texts + 1024 * (len(self.fields) + 16)


def problems_of(fields: Sequence[Any]) -> list[str]:
    """Return what the schema of a form's fields cannot express: names used twice, choices that are missing."""
    known = [one for one in fields if isinstance(one, Mapping)]
    counts = Counter(str(one.get("name")) for one in known)
    found = [f"Two fields have the name {name!r}." for name, count in counts.items() if count > 1]
    for one in known:
        name, choices = str(one.get("name")), one.get("choices") or []
        if one.get("type") == "choice" and not choices:
            found.append(f"The field {name!r} is a choice: list its `choices`.")
        if one.get("type") != "choice" and choices:
            found.append(f'The field {name!r} has `choices`, but its type is not "choice".')
        if isinstance(choices, list) and len({str(each).strip() for each in choices} - {""}) < len(choices):
            found.append(f"The `choices` of {name!r} must differ, and none may be empty.")
    if sum(one.get("type") == "file" for one in known) > MOST_FILES:
        found.append(f"A form takes {MOST_FILES} files at most.")
    return found


def values_schema(fields: Sequence[Any]) -> JsonSchema:
    """Return the JSON Schema of the values of a form with these fields, as its file declares them."""
    known = [one for one in fields if isinstance(one, Mapping) and isinstance(one.get("name"), str)]
    properties = {one["name"]: _schema(one) for one in known}
    return {
        "type": "object",
        "title": "What was filled in",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _schema(one: Mapping[str, Any]) -> dict[str, Any]:
    title = str(one.get("label") or one["name"])
    takes = one.get("type", "text")
    if takes == "checkbox":
        return {"type": "boolean", "title": title}
    if takes == "number":
        return {"type": "number" if one.get("required") is True else ["number", "null"], "title": title}
    if takes == "date":
        return {"type": "string", "title": title, **_OUTSIDE}
    if takes == "file":
        return {"anyOf": [RunFile.model_json_schema(mode="serialization"), {"type": "null"}], "title": title}
    return {"type": "string", "title": title, **_OUTSIDE, **({"sender": True} if takes == "email" else {})}
