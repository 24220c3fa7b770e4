"""The file of a bundle: a workflow with the prompts, fragments, agents and tools that it uses."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from engine.base.errors import InvalidFile, InvalidInput
from engine.base.names import checked_name
from engine.documents.json_file import parse
from engine.documents.shapes import faults
from engine.tools.store import TOOL
from engine.workspace.version_labels import POINTER

LARGEST_BYTES = 16_000_000
"""How large a bundle may be, in a file or in a request."""
LONGEST_NAME = 64
Lines = list[str]
"""A text, line by line: written one after another, each with a line break but the last, they are the file."""
_Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
_Number = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class BundledPrompt(_Part):
    """A prompt: its draft, and its saved versions by number."""

    text: Lines
    versions: dict[_Number, Lines] = Field(default_factory=dict)


class BundledAgent(BundledPrompt):
    """An agent: its draft, its saved versions, and the number of the version that each label names."""

    labels: dict[str, int] = Field(default_factory=dict)


class BundledTool(_Part):
    """The files of a tool by path, without the record of its tests: texts, and others as base64."""

    files: dict[str, Lines]
    binary: dict[str, str] = Field(default_factory=dict)

    @property
    def content(self) -> dict[str, bytes]:
        """Each file by its path. Raises ValueError for what is not base64."""
        texts = {path: text_of(lines).encode() for path, lines in self.files.items()}
        return texts | {path: base64.b64decode(one, validate=True) for path, one in self.binary.items()}


class BundledMcpTool(_Part):
    """What the owner there has said of a tool of an MCP server; an owner here looks at it and accepts it again."""

    effect: Literal["reads", "writes"]
    roles: dict[str, str] = Field(default_factory=dict)
    tool: dict[str, Any]
    """What the server says of it."""


class Bundle(_Part):
    """A bundle. Keys, addresses, sign-ins, cases, runs and the workflows that it calls are not part of it."""

    bundle_version: Literal[1]
    name: _Name
    workflow: Lines
    prompts: dict[_Name, BundledPrompt] = Field(default_factory=dict)
    fragments: dict[_Name, Lines] = Field(default_factory=dict)
    agents: dict[_Name, BundledAgent] = Field(default_factory=dict)
    tools: dict[_Name, BundledTool] = Field(default_factory=dict)
    mcp_tools: dict[str, BundledMcpTool] = Field(default_factory=dict)
    """The tools by `mcp.SERVER.TOOL`."""
    connections: dict[_Name, str] = Field(default_factory=dict)
    """The service of each connection that the workflow and its agents name, "" if it was not known."""
    calls: list[_Name] = Field(default_factory=list)
    """The workflows that it calls, which have to be there already."""


def bundle(sent: object, file: str) -> Bundle:
    """Return the bundle in a JSON value; `file` is the name used in problems. Raises InvalidInput, InvalidFile."""
    try:
        found = Bundle.model_validate(sent)
    except ValidationError as error:
        fault = faults(error, Bundle, sent)[0]
        where = ".".join(map(str, fault.path))
        said = f"{file} is not a bundle: {where + ': ' if where else ''}{fault.message}"
        raise InvalidInput(said, remedy=fault.remedy or "Export the workflow again.") from error
    kinds: dict[str, Collection[str]] = {
        "prompt": found.prompts,
        "fragment": found.fragments,
        "agent": found.agents,
        "tool": found.tools,
    }
    for kind, names in (("workflow", [found.name]), *kinds.items()):
        for name in names:
            checked_name(kind, name)
    for what, lines in _documents(found, file):
        if not isinstance(parse(text_of(lines), what).value, dict):
            raise InvalidFile(f"{what} is not a JSON object.", remedy="Export it again.")
    _require_labels(found, file)
    _require_files(found, file)
    return found


def _documents(found: Bundle, file: str) -> Iterator[tuple[str, Lines]]:
    """Yield what must be a JSON object, with its name in problems."""
    yield f"{file}: workflow", found.workflow
    parts = [("prompt", *one) for one in found.prompts.items()] + [("agent", *one) for one in found.agents.items()]
    for kind, name, part in parts:
        yield f"{file}: {kind} {name}", part.text
        for number, lines in part.versions.items():
            yield f"{file}: version {number} of the {kind} {name}", lines


def _require_labels(found: Bundle, file: str) -> None:
    for name, agent in found.agents.items():
        for label, number in agent.labels.items():
            if not POINTER.match(label) or label == "current" or str(number) not in agent.versions:
                said = f"{file}: the label {label!r} of the agent {name} cannot be one, or has no version."
                raise InvalidInput(said, remedy="Export it again.")


def _require_files(found: Bundle, file: str) -> None:
    from engine.tools.editing import require_files  # the sandbox's imports, which few commands need

    for name, tool in found.tools.items():
        try:
            files = tool.content
        except ValueError as error:
            raise InvalidInput(f"{file}: a file of the tool {name} is not base64: {error}.") from error
        if TOOL not in files or tool.files.keys() & tool.binary.keys():
            raise InvalidInput(f"{file}: the tool {name} has no {TOOL}, or a file twice.", remedy="Export it again.")
        require_files(name, files)


def text_of(lines: Lines) -> str:
    """Return the text of lines."""
    return "\n".join(lines)


def lines_of(text: str) -> Lines:
    """Return the lines of a text."""
    return text.split("\n")
