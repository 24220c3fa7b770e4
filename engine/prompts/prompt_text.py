"""A prompt as text: front matter in YAML, then its messages, each below a line with its role. Reading it is exact."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct, field
from pydantic import ValidationError

from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidFile, InvalidInput
from engine.base.problem import Problem
from engine.documents.json_file import JsonPath
from engine.documents.json_file import parse as parse_json
from engine.documents.yaml_file import YamlFile, is_like_number
from engine.documents.yaml_file import parse as parse_yaml
from engine.prompts.prompt import PromptModel, form_problems, text_of
from engine.prompts.protected import OF_LABELS
from engine.workspace.canonical import canonical

LARGEST_BYTES = 1_000_000
LARGEST_FRONT_MATTER_BYTES = 100_000
_DEEPEST = 64
_FENCE = "---"
_NAME = "name"
_LIKE_ROLE = re.compile(r"\\*<!--\s*role:", re.IGNORECASE)
"""A line that is read as a role; inside a message, one more backslash in front of it makes it text."""
_ROLE = re.compile(r"<!-- role: (?P<role>[a-z]+)(?:, content: (?P<content>.+))? -->\s*\Z")
_STRING = "string"
_OF_A_VERSION = ("version", "fragments")
_EXAMPLE = "<!-- role: user -->"
_UNSAFE_IN_YAML = re.compile(r"[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]")
"""What is written with an escape: control characters and line breaks that YAML would change."""


class PromptText(NamedTuple):
    """What a text holds: the prompt, without the name, and the name if there is one."""

    name: str
    document: PromptDefinition


def written(name: str, document: PromptDefinition) -> str:
    """Return a prompt as text; `read` returns an equal document, without labels and their history.

    `document` has the form of a prompt. Raises InvalidInput for one that is too large.
    """
    ordered: dict[str, Any] = json.loads(canonical(dict(document), "prompt"))
    left_out = (*OF_LABELS, *_OF_A_VERSION, "messages")
    front = {_NAME: name} | {key: value for key, value in ordered.items() if key not in left_out}
    header = _yaml(front)
    messages = [_message(one["role"], one["content"]) for one in document["messages"]]
    text = f"{_FENCE}\n{header}{_FENCE}\n\n" + "\n".join(messages)
    if len(header.encode()) > LARGEST_FRONT_MATTER_BYTES or len(text.encode()) > LARGEST_BYTES:
        raise InvalidInput(
            f"The prompt {name!r} is too large for a text.", remedy=f"Copy the file prompts/{name}.json instead."
        )
    return text


def _yaml(front: Mapping[str, Any]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        # Else the second of two equal values is an alias (`*id001`), which nobody wants to edit.
        def ignore_aliases(self, *_data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        style = '"' if _UNSAFE_IN_YAML.search(value) or is_like_number(value) else "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    # `width`: PyYAML breaks lines at 80 characters.
    dumped = yaml.dump(dict(front), Dumper=Dumper, allow_unicode=True, sort_keys=False, width=sys.maxsize)
    return str(dumped)


def _message(role: str, content: str | list[str]) -> str:
    if isinstance(content, str):
        return _section(f"{role}, content: {_STRING}", content)
    if not content or any("\n" in line for line in content):  # no lines of a text file
        return _section(f"{role}, content: {json.dumps(content)}", "")
    return _section(role, text_of(content))


def _section(role: str, text: str) -> str:
    lines = [f"\\{line}" if _LIKE_ROLE.match(line) else line for line in text.split("\n")]
    return "\n".join([f"<!-- role: {role} -->", *lines, ""])


def read(text: str, file: str) -> PromptText:
    """Return the prompt in a text; `file` is the name used in problems.

    Lines may end with CR LF if the first one does. Raises InvalidFile with every problem of the form:
    syntax, unknown keys, roles, types; the meaning (unknown variables, types) is not checked.
    """
    _require_characters(text, file)
    size = len(text.encode())
    if size > LARGEST_BYTES:
        said = f"The text has {size:,} bytes; at most {LARGEST_BYTES:,} are allowed."
        raise InvalidFile.of(file, [Problem(said, "too_large", file=file)])
    text = text.removeprefix("\ufeff")
    if text.startswith(f"{_FENCE}\r\n"):
        text = text.replace("\r\n", "\n")
    return _Reader(file, text.split("\n")).read()


def _require_characters(text: str, file: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        problem = Problem("This line is not UTF-8.", "not_utf8", file=file, line=line, column=1)
        raise InvalidFile.of(file, [problem]) from error


class _Reader(Struct):
    file: str
    lines: list[str]
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> PromptText:
        end = self._end_of_front_matter()
        # An empty line takes the place of the fence above, so that problems have line numbers of the whole text.
        header = "\n".join(["", *self.lines[1:end], ""])
        front = parse_yaml(header, self.file, LARGEST_FRONT_MATTER_BYTES, _DEEPEST)
        if not isinstance(front.value, dict | None):
            self._stop(2, "The front matter is not a list of keys and values.", "Write such as `title: Greet`.")
        values: dict[str, Any] = front.value or {}
        name = self._name(front, values)
        self._refuse_what_is_not_text(front, values)
        found = list(self._messages(end + 1))
        document = {"schema_version": 1, **values, "messages": [message for message, _ in found]}
        if not found:
            self._refuse(len(self.lines), "The text has no message.", f"Begin each with a line such as {_EXAMPLE}.")
        self._check_form(_Placed(self.file, document, front, [line for _, line in found]))
        if self.problems:
            raise InvalidFile.of(self.file, sorted(self.problems, key=lambda one: (one.line, one.column)))
        made: PromptDefinition = document  # type: ignore[assignment]  # the model has checked it
        return PromptText(name, made)

    def _end_of_front_matter(self) -> int:
        if self.lines[0].rstrip() != _FENCE:
            said = f"The text does not begin with {_FENCE}."
            self._stop(1, said, f"Begin with front matter: a line {_FENCE}, the title and so on, and {_FENCE} again.")
        for number, line in enumerate(self.lines[1:], 1):
            if line.rstrip() == _FENCE:
                return number
        self._stop(1, "The front matter does not end.", f"Close it with a line {_FENCE}.")
        return 0

    def _name(self, front: YamlFile, values: dict[str, Any]) -> str:
        name = values.pop(_NAME, "")
        if isinstance(name, str):
            return name
        self.problems.append(front.problem((_NAME,), "The name is not a text.", "type", "Put quotes around it."))
        return ""

    def _refuse_what_is_not_text(self, front: YamlFile, values: dict[str, Any]) -> None:
        for key in (*OF_LABELS, *_OF_A_VERSION, "messages"):
            if key in values:
                del values[key]
                remedy = (
                    "Labels are set, and versions are saved, after the import."
                    if key != "messages"
                    else "Write them below, each with its role."
                )
                said = f"{key!r} cannot be in front matter."
                self.problems.append(front.problem((key,), said, "front_matter", f"Remove it. {remedy}"))

    def _messages(self, begin: int) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield each message with the line of its role (from 0)."""
        roles = [number for number in range(begin, len(self.lines)) if _is_role(self.lines[number])]
        for number in range(begin, roles[0] if roles else len(self.lines)):
            if self.lines[number].strip():
                said = "This text is in no message."
                self._refuse(number + 1, said, f"Write a line above it that names the role, such as {_EXAMPLE}.")
                break
        for number, end in zip(roles, [*roles[1:], len(self.lines)], strict=False):
            lines = self.lines[number + 1 : end]
            if lines and not lines[-1]:
                lines = lines[:-1]  # what sets messages apart, or the end of the last line
            yield self._message(number, lines), number

    def _message(self, number: int, lines: list[str]) -> dict[str, Any]:
        marker = _ROLE.match(self.lines[number])
        if marker is None:
            said = "This line names no role as it should."
            self._refuse(number + 1, said, f"Write {_EXAMPLE}, or put a backslash in front if it is text of a message.")
            return {"role": "user", "content": ""}
        unescaped = [line[1:] if line.startswith("\\") and _LIKE_ROLE.match(line) else line for line in lines]
        return {"role": marker["role"], "content": self._content(number, marker["content"], unescaped)}

    def _content(self, number: int, given: str | None, lines: list[str]) -> str | list[str]:
        if given is None:
            return lines or [""]
        if given == _STRING:
            return "\n".join(lines)
        try:
            listed = parse_json(given, self.file).value
        except InvalidFile:
            listed = None
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed) and not any(lines):
            return listed
        said = "'content' of this role is neither `string` nor a JSON list of texts with nothing below it."
        self._refuse(number + 1, said, "Leave it out: each line below is then a line of the message.")
        return ""

    def _check_form(self, placed: _Placed) -> None:
        try:
            PromptModel.model_validate(placed.value)
        except ValidationError as error:
            self.problems.extend(form_problems(placed, error))

    def _refuse(self, line: int, said: str, remedy: str) -> None:
        self.problems.append(Problem(said, "form", file=self.file, line=line, column=1, remedy=remedy))

    def _stop(self, line: int, said: str, remedy: str) -> None:
        self._refuse(line, said, remedy)
        raise InvalidFile.of(self.file, self.problems)


def _is_role(line: str) -> bool:
    return not line.startswith("\\") and bool(_LIKE_ROLE.match(line))


class _Placed(Struct, frozen=True):
    """The document with the places of its parts in the text."""

    file: str
    value: Any
    front: YamlFile
    roles: list[int]
    """The line (from 0) of the role of each message."""

    def place(self, path: JsonPath, offset: int = 0) -> tuple[int, int]:
        """Return line and column (from 1) of a value, or of its nearest existing parent."""
        if path[:1] != ("messages",) or len(path) == 1:
            line, column = self.front.place(path)
            return line, column + offset
        return self.roles[int(path[1])] + 1, 1

    def key_place(self, path: JsonPath) -> tuple[int, int]:
        """Return line and column (from 1) of a key, or of the value without a key."""
        return self.front.key_places.get(path) or self.place(path)
