"""`tool.json`: what a tool takes and gives, in which language it is, and what it may reach."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.base.errors import InvalidFile
from engine.base.json_text import JsonSchema
from engine.base.problem import Problem
from engine.documents.json_file import JsonFile
from engine.documents.schema_check import is_usable, schema_faults
from engine.documents.shapes import faults
from engine.plugins.step import Fields
from engine.steps.code import LimitFields, wrong_hosts
from engine.tools.files import LEFT, wrong_file_inputs
from engine.tools.lock import wrong_dependencies

SEMANTIC = r"^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$"
_OBJECT = 'Write {"type": "object", "properties": {"iban": {"type": "string"}}}.'


class ToolFile(BaseModel):
    """The members of `tool.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    description: str = ""
    """Markdown."""
    language: Literal["python", "javascript", "shell"]
    entry: str
    """The file of its code."""
    input: dict[str, Any]
    """JSON Schema of an object."""
    output: dict[str, Any]
    """JSON Schema of an object."""
    effect: Literal["pure", "reads", "writes"] = "pure"
    """What it does to the outside world: without `network`, nothing."""
    network: tuple[str, ...] = ()
    """The hosts that it may reach."""
    files: bool = False
    """Whether the files that it leaves in `/w/out` are part of its output, as `files`."""
    dependencies: tuple[str, ...] = ()
    """The packages of Python that its code needs (PEP 508); `requirements.lock` has the versions."""
    limits: LimitFields = LimitFields()

    @property
    def major(self) -> int:
        """The first number of its version."""
        return int(self.version.partition(".")[0])


def checked(file: JsonFile) -> ToolFile:
    """Return the content of a `tool.json`. Raises InvalidFile with every problem."""
    document = file.value
    if not isinstance(document, dict):
        raise InvalidFile(f"{file.file} does not contain a JSON object.")
    try:
        found = ToolFile.model_validate(document)
    except ValidationError as error:
        told = [(one.path, one.message, one.remedy) for one in faults(error, ToolFile, document)]
        raise _invalid(file, told) from None
    problems = list(_problems(found))
    if problems:
        raise _invalid(file, problems)
    return found


_Found = tuple[tuple[str | int, ...], str, str]
"""(path in the file, what is wrong, remedy)."""


def _invalid(file: JsonFile, found: Sequence[_Found]) -> InvalidFile:
    problems = []
    for path, message, remedy in found:
        line, column = file.place(path)
        problems.append(Problem(message, "tool", file=file.file, line=line, column=column, remedy=remedy))
    return InvalidFile.of(file.file, problems)


def _problems(tool: ToolFile) -> Iterator[_Found]:
    if not re.fullmatch(SEMANTIC, tool.version):
        yield ("version",), f"{tool.version!r} is not a semantic version.", "Write three numbers, such as 1.0.0."
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", tool.entry):
        yield ("entry",), f"{tool.entry!r} is not a name of a file of the tool.", "Write such as main.py."
    for _, message in wrong_hosts(list(tool.network)):
        yield ("network",), message, ""
    yield from _file_problems(tool)
    yield from _package_problems(tool)
    if bool(tool.network) != (tool.effect != "pure"):
        idle = f"has no hosts in 'network', so it never {tool.effect}"
        said = "reaches hosts, so it is not pure" if tool.network else idle
        yield ("effect",), f"The tool {said}.", "Without 'network' write pure; with it, reads or writes."
    for name, schema in (("input", tool.input), ("output", tool.output)):
        yield from _schema_problems(name, schema)
    for name in _mapping(tool.input.get("properties")):
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) or hasattr(Fields, name) or name.startswith("model_"):
            said = f"{name!r} cannot be the name of a field."
            yield ("input", "properties", name), said, "Take another: lower-case letters, digits and '_'."


def _file_problems(tool: ToolFile) -> Iterator[_Found]:
    for name, message in wrong_file_inputs(tool.input):
        yield ("input", "properties", name), message, 'Write {"format": "file"}, with a title if you like.'
    if tool.files and LEFT in _mapping(tool.output.get("properties")):
        said = "The output has a member 'files', which the files that the tool leaves would hide."
        yield ("output", "properties", LEFT), said, "Give it another name, or take out 'files' beside it."


def _package_problems(tool: ToolFile) -> Iterator[_Found]:
    for index, message in wrong_dependencies(tool.dependencies):
        yield ("dependencies", index), message, ""
    if tool.dependencies and tool.language != "python":
        yield ("dependencies",), f"Code in {tool.language} has no packages here.", "Only tools in python have them."


def _schema_problems(name: str, schema: JsonSchema) -> Iterator[_Found]:
    for path, message in schema_faults(schema):
        yield (name, *path), message, ""
    for member, one in _mapping(schema.get("properties")).items():
        if not isinstance(one, Mapping):
            yield (name, "properties", member), f"{one!r} is not the schema of a member.", "Write {} for any value."
    if schema.get("type") != "object":
        yield (name,), f"The schema of the {name} does not describe an object.", _OBJECT
    elif not is_usable(schema):
        yield (name,), f"The schema of the {name} cannot be used.", _OBJECT
    elif name == "input" and "$ref" in str(schema):
        yield (name,), "The schema of the input refers to another with '$ref'.", "Write that schema in its place."


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
