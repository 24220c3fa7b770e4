"""Read a call whose last argument is written below it as plain text: models write code worse inside JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from clients.models.thoughts import without_thoughts
from engine.plugins.step import JsonValue
from engine.prompts.model_answers import read_json

_BEGINS = re.compile(r"\{(?=\s*+\")")
"""Where an object with a name in it may begin; possessive, as a long run of blanks would be tried again and again."""
_MISSED_MOST = 100
"""How often something other than an object may begin so: each time, the parser may read the whole rest."""
_FENCED = re.compile(r"\A```[^\n`]*\n(?P<inner>(?:(?!```).*\n)*)```\s*\Z")


def read_call(text: str, below: Mapping[str, str]) -> JsonValue:
    """Return the call {tool, arguments} in an answer; `below`: by tool, the argument that is written below it.

    Raises ValueError if there is no call in it.
    """
    text = without_thoughts(text)
    for call, begin, end in _calls(text):
        name, arguments = below.get(str(call["tool"]), ""), call.get("arguments", {})
        if name and isinstance(arguments, dict) and name not in arguments:
            is_fenced = text[:begin].rstrip().endswith(("```", "```json"))
            return {**call, "arguments": {**arguments, name: _plain(text[end:], is_fenced=is_fenced)}}
        return call
    return read_json(text)


def _calls(text: str) -> Iterator[tuple[dict[str, JsonValue], int, int]]:
    """Yield the objects that name a tool, and where each begins and ends."""
    decoder, end, missed = json.JSONDecoder(), 0, 0
    while missed < _MISSED_MOST and (begun := _BEGINS.search(text, end)) is not None:
        at = begun.start()
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            found, end, missed = None, at + 1, missed + 1
        if isinstance(found, dict) and "tool" in found:
            yield found, at, end


def _plain(rest: str, *, is_fenced: bool) -> str:
    """Return what is written from the next line on, without a fence around all of it, and with a line break at its end.

    `is_fenced`: the call before it was in a fence of its own.
    """
    text = rest.lstrip(" \t").removeprefix("\n")
    if is_fenced and text.lstrip().startswith("```"):
        text = text.lstrip().partition("\n")[2]
    fenced = _FENCED.match(text.strip() + "\n")
    text = fenced["inner"] if fenced else text
    return text if not text or text.endswith("\n") else text + "\n"
