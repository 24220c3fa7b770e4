"""The file of a bundle: a workflow, its prompts with their versions, and the fragments that these name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from engine.base.errors import InvalidFile, InvalidInput
from engine.base.names import checked_name
from engine.documents.json_file import parse
from engine.documents.shapes import faults

LARGEST_BYTES = 16_000_000
"""Of a bundle, in a file or in a request."""
LONGEST_NAME = 64
Lines = list[str]
"""A text, line by line: written one after another, each with a line break but the last, they are the file."""
_Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
_Number = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class BundledPrompt(_Part):
    """A prompt: its working text, and its saved versions by number."""

    text: Lines
    versions: dict[_Number, Lines] = Field(default_factory=dict)


class Bundle(_Part):
    """A bundle. Keys, sign-ins, cases, runs and the workflows that it calls are not part of it."""

    bundle_version: Literal[1]
    name: _Name
    workflow: Lines
    prompts: dict[_Name, BundledPrompt] = Field(default_factory=dict)
    fragments: dict[_Name, Lines] = Field(default_factory=dict)
    connections: dict[_Name, str] = Field(default_factory=dict)
    """The service of each connection that the workflow names, "" if it was not known."""
    calls: list[_Name] = Field(default_factory=list)
    """The workflows that it calls, which have to be there already."""


def bundle(sent: object, file: str) -> Bundle:
    """Return the bundle in a JSON value; `file` is the name used in problems. Raises InvalidInput, InvalidFile."""
    try:
        found = Bundle.model_validate(sent)
    except ValidationError as error:
        fault = faults(error, Bundle, sent)[0]
        where = ".".join(map(str, fault.path))
        said = f"{file} is no bundle: {where + ': ' if where else ''}{fault.message}"
        raise InvalidInput(said, remedy=fault.remedy or "Export the workflow again.") from error
    for kind, names in (("workflow", [found.name]), ("prompt", found.prompts), ("fragment", found.fragments)):
        for name in names:
            checked_name(kind, name)
    _documents(found, file)
    return found


def _documents(found: Bundle, file: str) -> None:
    """Raise InvalidFile if the workflow or a prompt is not a JSON object."""
    texts: dict[str, Lines] = {f"{file}: workflow": found.workflow}
    for name, prompt in found.prompts.items():
        versions = {f"{file}: version {number} of the prompt {name}": one for number, one in prompt.versions.items()}
        texts |= {f"{file}: prompt {name}": prompt.text, **versions}
    for what, lines in texts.items():
        if not isinstance(parse(text_of(lines), what).value, dict):
            raise InvalidFile(f"{what} is not a JSON object.", remedy="Export it again.")


def text_of(lines: Lines) -> str:
    """Return the text of lines."""
    return "\n".join(lines)


def lines_of(text: str) -> Lines:
    """Return the lines of a text."""
    return text.split("\n")
