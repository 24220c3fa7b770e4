"""How two texts of a prompt differ, word by word: messages, variables, format and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from engine.base.errors import InvalidInput, UnknownName
from engine.base.json_text import indented_inside
from engine.people.access import Principal
from engine.prompts.fragment_files import FragmentFiles
from engine.prompts.prompt import text_of
from engine.runs.prompt_tries.columns import DRAFT
from engine.runs.prompt_tries.differing import TextPart, text_parts

if TYPE_CHECKING:
    from engine.prompts.prompt_files import PromptFiles

_AROUND = 160
"""Characters of unchanged text that are shown before and after a change."""
_NAMES = {
    "title": "Title",
    "description": "Description",
    "model": "Model",
    "sure_at_least": "Sure at least",
    "examples": "Examples",
    "parameters": "Parameters",
    "output_schema": "Format of the answer",
    "assertions": "Assertions",
    "samples": "Samples",
}


class PromptDifference(TypedDict):
    """A part of a prompt that differs."""

    part: str
    """Such as `Message 1 (system)` or `Variable subject`."""
    texts: list[TextPart]


def differences_between(
    prompts: PromptFiles, p: Principal, name: str, before: str, after: str
) -> list[PromptDifference]:
    """Return the parts that differ; each text is a version, a label, or `draft`.

    Raises UnknownName, InvalidInput, InvalidFile.
    """
    return prompt_differences(_document(prompts, p, name, before), _document(prompts, p, name, after))


def fragment_differences(fragments: FragmentFiles, p: Principal, name: str, version_id: str) -> list[TextPart]:
    """Return how the current text of a fragment differs from an earlier one, by word; one part if it does not.

    Raises UnknownName, InvalidInput, InvalidFile.
    """
    return list(text_parts(fragments.version_text(p, name, version_id), fragments.get(p, name).text))


def prompt_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[PromptDifference]:
    """Return the parts in which two prompts differ; labels are not part of a version."""
    return part_differences(dict(_parts(before)), dict(_parts(after)))


def part_differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[PromptDifference]:
    """Return how texts differ, by the names of their parts; a part that is missing is empty."""
    names = list(dict.fromkeys([*old, *new]))
    return [
        {"part": one, "texts": list(text_parts(old.get(one, ""), new.get(one, "")))}
        for one in names
        if old.get(one, "") != new.get(one, "")
    ]


def in_context(texts: Sequence[TextPart]) -> list[TextPart]:
    """Return a text whose long unchanged passages are cut short, for people."""
    last = len(texts) - 1

    def shown(at: int, one: TextPart) -> TextPart:
        if one["change"] != "same":
            return one
        return {"text": _cut(one["text"], is_first=at == 0, is_last=at == last), "change": "same"}

    return [shown(at, one) for at, one in enumerate(texts)]


def _cut(text: str, *, is_first: bool, is_last: bool) -> str:
    begin = "" if is_first else text[:_AROUND]
    end = "" if is_last else text[-_AROUND:]
    return text if len(text) <= len(begin) + len(end) + 1 else f"{begin}…{end}"


def _document(prompts: PromptFiles, p: Principal, name: str, which: str) -> Mapping[str, Any]:
    file = prompts.get(p, name)
    if which.isdecimal():
        file = prompts.get(p, name, int(which))
    elif which in file.labels:
        file = prompts.get(p, name, file.labels[which])
    elif which != DRAFT:
        raise UnknownName(f"label of the prompt {name}", which, [*file.labels, DRAFT])
    if file.document is None:
        raise InvalidInput(f"The {which} text of {name} is not a JSON object.", remedy="Correct the file first.")
    return prompts.resolved(p, file.document) if which == DRAFT else file.document


def _parts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each part of a prompt as text, whatever is wrong with it."""
    for key in ("title", "description", "model", "sure_at_least", "examples"):
        yield _NAMES[key], part_text(document.get(key))
    messages = document.get("messages")
    for number, one in enumerate(messages if isinstance(messages, list) else [], 1):
        message = one if isinstance(one, Mapping) else {}
        yield f"Role of message {number}", part_text(message.get("role"))
        yield f"Message {number}", _content(message.get("content"))
    variables = document.get("variables")
    for name, schema in (variables if isinstance(variables, Mapping) else {}).items():
        yield f"Variable {name}", part_text(schema)
    for key in ("parameters", "output_schema", "assertions", "samples"):
        yield _NAMES[key], part_text(document.get(key))


def _content(content: Any) -> str:
    lines = isinstance(content, list) and all(isinstance(line, str) for line in content)
    return text_of(content) if lines else part_text(content)


def part_text(value: Any) -> str:
    """Return a part of a file as text: JSON is indented."""
    if value is None:
        return ""
    return value if isinstance(value, str) else indented_inside(value)
