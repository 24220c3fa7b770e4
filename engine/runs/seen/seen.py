"""What a model saw in a step: each part of the messages with its origin, its share of the tokens and what is missing.

Nothing more is stored for it: it is worked out from the request, the fields and the definition in the run's document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.expressions.json_values import compact_json
from engine.prompts.prompt import estimated_tokens, marked, text_of
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.record.values import Values
from engine.runs.seen.origins import SeenOrigin, SeenOrigins, Source, cut_of

_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_NAMED = re.compile(
    r"\{\{\s*(?:inputs\.(?P<input>\w+)|steps\.(?P<step>\w+)\.output)(?P<members>(?:\.\w+|\[\d+\])*)\s*\}\}"
)
_DAMAGED = (KeyError, TypeError, ValueError, AttributeError)
"""What a prompt raises in a file of a run that somebody has changed: nothing has checked it there."""
_SHORTEST = 3
"""A shorter value occurs in a text by chance."""
TOOLS = "tools"
"""The role of what is no message: the tools that the model was offered."""
Piece = tuple[str, str, Any]
"""A text, the name of the field or variable that it is the value of ("" for the prompt), and what is written there."""


@dataclass(frozen=True)
class SeenPart:
    """A part of a message."""

    text: str
    source: Source
    name: str
    """The variable or field that it is the value of; empty for the prompt's own text."""
    step: str
    """The id of the step that gave it, or empty."""
    uses: str
    """The step type or trigger type that gave it, or empty."""
    tokens: int
    """An estimate."""
    percent: float
    """Of the tokens of all messages."""
    cut: str
    """What is missing in it, as a sentence, or empty."""


@dataclass(frozen=True)
class SeenMessage:
    """A message in parts."""

    role: str
    parts: Sequence[SeenPart]


@dataclass(frozen=True)
class Seen:
    """What a model saw in a step."""

    step: str
    model: str
    messages: Sequence[SeenMessage]
    tokens: int
    """An estimate of all messages."""
    input_tokens: int | None
    """As the model has counted them, over all its answers in this step; None if it has not."""
    left_out: Sequence[str]
    """Parameters of the request that the model does not know."""
    cut: str
    """What is missing in the answer, as a sentence, or empty."""


def seen(run: Run, path: str, values: Values) -> Seen:
    """Return what a model saw at a run path. Raises UnknownName, InvalidInput if no model was asked, InvalidFile."""
    step = next((one for one in run["steps"] if one["path"] == path), None)
    if step is None:
        raise UnknownName("step of this run", path, [one["path"] for one in run["steps"] if one.get("request")])
    request = values.loaded(step.get("request") or {})
    if not request.get("messages"):
        asked = [one["path"] for one in run["steps"] if one.get("request")]
        remedy = f"Name one that did, such as {asked[0]}." if asked else "No step of this run did."
        raise InvalidInput(f"Step {path!r} has sent no messages to a model.", remedy=remedy)
    origins, arguments = SeenOrigins(run), values.loaded(step["arguments"] or {})
    pieces = _Pieces(run, step, arguments, origins.written(path))
    found = [(str(one.get("role") or ""), pieces.of(number, one)) for number, one in enumerate(request["messages"])]
    if arguments.get("tools"):
        found.append((TOOLS, [(compact_json(arguments["tools"]), "tools", pieces.written.get("tools"))]))
    total = sum(_tokens(text) for _, parts in found for text, _, _ in parts) or 1
    usage = step["usage"]
    return Seen(
        step=path,
        model=str(request.get("model") or ""),
        messages=[SeenMessage(role, [_part(piece, origins, path, total) for piece in parts]) for role, parts in found],
        tokens=total,
        input_tokens=usage["input_tokens"] if usage else None,
        left_out=list(request.get("left_out") or ()),
        cut=cut_of(step),
    )


def _part(piece: Piece, origins: SeenOrigins, path: str, total: int) -> SeenPart:
    text, name, written = piece
    origin = origins.of(written, path) if name else SeenOrigin("prompt")
    tokens = _tokens(text)
    percent = round(100 * tokens / total, 1)
    return SeenPart(text, origin.source, name, origin.step, origin.uses, tokens, percent, origin.cut)


def _tokens(text: str) -> int:
    return estimated_tokens(text) - estimated_tokens("")  # a part of a message has no tokens of its own


class _Pieces:
    """Takes the messages of one step apart."""

    def __init__(self, run: Run, step: StepRecord, arguments: Mapping[str, Any], written: Mapping[str, Any]) -> None:
        self._run, self._step, self._arguments, self.written = run, step, arguments, written
        self._marked: Sequence[Any] = ()
        prompt = run["definition"]["prompts"].get(str(arguments.get("prompt") or ""))
        if prompt is not None:
            try:
                self._marked = marked(prompt, arguments.get("variables") or {})
            except (OrchestraError, *_DAMAGED):  # then its values are looked for in the text
                self._marked = ()

    def of(self, number: int, message: Mapping[str, Any]) -> list[Piece]:
        """Return the pieces of a message as it was sent."""
        text, calls = str(message.get("content") or ""), message.get("tool_calls")
        if not calls:
            return self._of_text(number, text)
        written = self.written.get("messages")
        if isinstance(written, list) and number < len(written):
            written = written[number].get("tool_calls") if isinstance(written[number], dict) else written[number]
        return [*(self._of_text(number, text) if text else ()), (compact_json(calls), "tool_calls", written)]

    def _of_text(self, number: int, text: str) -> list[Piece]:
        """Return the pieces of the text of a message."""
        known = self._marked[number] if number < len(self._marked) else None
        if known is not None and known["content"] == text:
            variables = self.written.get("variables") or {}
            parts = ((one["text"], one["variable"] or "") for one in known["parts"])
            return [(part, name, _at(variables, name)) for part, name in parts if part]
        template = self._template(number)
        if template is not None:
            return [one for one in _aligned(template, text, self._value) if one[0]]
        return self._found(text)

    def _template(self, number: int) -> str | None:
        """Return a message as the step itself has it, with its expressions."""
        written = self.written.get("messages")
        if not isinstance(written, list) or number >= len(written) or not isinstance(written[number], dict):
            return None
        content = written[number].get("content")
        return text_of(content) if isinstance(content, str | list) else None

    def _value(self, expression: str) -> str | None:
        """Return the text that an input or the output of a step has, None for any other expression or value."""
        named = _NAMED.fullmatch(expression)
        if named is None:
            return None
        found: Any = self._run["inputs"].get(named["input"])
        if named["step"]:
            near = self._step["path"].split(".")[:-1]
            places = [".".join([*near[:depth], named["step"]]) for depth in range(len(near), -1, -1)]
            outputs = {one["path"]: one["output"] for one in self._run["steps"] if one["path"] in places}
            found = next((outputs[one] for one in places if one in outputs), None)
        for member, index in re.findall(r"\.(\w+)|\[(\d+)\]", named["members"]):
            if isinstance(found, list) and index and int(index) < len(found):
                found = found[int(index)]
            else:
                found = found.get(member) if isinstance(found, dict) and member else None
        return found if isinstance(found, str) else None

    def _found(self, text: str) -> list[Piece]:
        """Return the pieces of a text in which values of the step's fields occur."""
        pieces: list[Piece] = [(text, "", None)]
        for name, value, written in sorted(self._values(), key=lambda one: -len(one[1])):
            pieces = [part for one in pieces for part in (_split(one, name, value, written) if not one[1] else [one])]
        return pieces

    def _values(self) -> Iterator[tuple[str, str, Any]]:
        for name, value in self._arguments.items():
            if name in ("prompt", "model", "messages", "schema", "labels"):
                continue
            for key, inner in value.items() if name == "variables" and isinstance(value, dict) else [(name, value)]:
                said = inner if isinstance(inner, str) else compact_json(inner)
                written = _at(self.written.get(name), key) if name == "variables" else self.written.get(name)
                if len(said) >= _SHORTEST and "{{" in str(written):
                    yield key, said, written


def _split(piece: Piece, name: str, value: str, written: Any) -> list[Piece]:
    before, found, after = piece[0].partition(value)
    if not found:
        return [piece]
    parts: list[Piece] = [(before, "", None), (found, name, written), (after, "", None)]
    return [one for one in parts if one[0]]


def _aligned(template: str, text: str, value_of: Callable[[str], str | None]) -> Iterator[Piece]:
    """Yield a text in pieces: the fixed texts of its template and the values that are known, and what is between."""
    fixed, unknown = _EXPRESSION.split(template), list[str]()
    around: list[list[Piece]] = [[(fixed[0], "", None)]]  # the pieces before and behind each unknown value
    for expression, after in zip(_EXPRESSION.findall(template), fixed[1:], strict=True):
        value = value_of(expression)
        if value is None or value not in text:
            unknown.append(expression)
            around.append([])
        else:
            around[-1].append((value, _inner(expression), expression))
        around[-1].append((after, "", None))
    words, at = ["".join(one[0] for one in pieces) for pieces in around], 0
    for number, pieces in enumerate(around):
        if not text.startswith(words[number], at):
            break
        yield from pieces
        at, rest = at + len(words[number]), words[number + 1 :]
        if not rest:
            break
        is_clear = _is_clear(text[at:], rest)
        end = text.find(rest[0], at) if is_clear and len(rest) > 1 else len(text) - len(rest[-1])
        end = len(text) if end < at else end
        yield (
            (text[at:end], _inner(unknown[number]), unknown[number])
            if is_clear
            else (
                text[at:end],
                "messages",
                unknown[number:],
            )
        )
        at = end
        if not is_clear and text.endswith(rest[-1]):
            yield from around[-1]
            return
    yield text[at:], "messages", template


def _inner(expression: str) -> str:
    return expression.strip("{} ")


def _is_clear(text: str, fixed: Sequence[str]) -> bool:
    """Return whether a value at the start of a text ends at the first of the fixed texts behind it, surely."""
    first = fixed[0]
    return len(fixed) == 1 or (bool(first) and text.count(first) == sum(one.count(first) for one in fixed))


def _at(variables: Any, name: str) -> Any:
    """Return what the workflow has for a variable; all of them if they are one expression."""
    first = name.partition(".")[0].strip()
    return variables.get(first) if isinstance(variables, dict) else variables
