"""The demo language model: deterministic, extractive and honest; it never follows orders in a text."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.model.agent import is_agent, play, told_tools
from demo.model.builder import is_plan, plan
from demo.model.choice import asked_in
from demo.model.document import WORD, Document, document_of, text_of, words_of
from demo.model.filler import fill
from demo.model.meanings import meaning_of
from demo.model.passages import answer_from_passages
from demo.model.writing import commits_in, digest, draft, points

MODEL = "demo-extractive"
DIMENSIONS = 256
_WEIGHT = 6
"""Of a meaning, in words: about as much as a word and its parts."""
Message = Mapping[str, Any]
ASKS_FOR_REPLY = re.compile(r"\b(?:repl(?:y|ies)|answer to|draft|respond)\b", re.IGNORECASE)
KEYS = re.compile(r"[\"'`](\w{2,40})[\"'`]")


@dataclass(frozen=True)
class Reply:
    """The model's answer: text, or tool calls as (name, arguments)."""

    text: str = ""
    tool_calls: tuple[tuple[str, dict[str, Any]], ...] = field(default=())


def answer(
    messages: Sequence[Message],
    *,
    schema: Mapping[str, Any] | None = None,
    wants_json: bool = False,
    tools: Sequence[Mapping[str, Any]] = (),
    tool_choice: str | Mapping[str, Any] = "auto",
) -> Reply:
    """Answer a conversation.

    With a JSON Schema, or `wants_json`, the text is a JSON object. `tools` are the functions of the API's
    `tools`; one is called only if `tool_choice` says so or the instructions ask for it in plain words.
    """
    document = document_of(messages)
    after_tool = bool(messages) and messages[-1].get("role") == "tool"
    if tools and not after_tool and (tool := _tool_asked_for(tools, tool_choice, messages, document)):
        arguments = fill({**(tool.get("parameters") or {}), "type": "object"}, document)
        return Reply(tool_calls=((str(tool["name"]), arguments),))
    if schema is not None and is_agent(schema):
        return Reply(play(messages, schema))
    if schema is None and (told := told_tools(messages)):
        return Reply(play(messages, told))
    if schema is not None and is_plan(schema):
        return Reply(plan(messages))
    if schema is not None:
        asked = answer_from_passages(text_of(messages[-1]) if messages else "", schema)
        if asked is not None:
            return Reply(asked)
        return Reply(json.dumps(fill(schema, document), ensure_ascii=False))
    if wants_json:
        return Reply(json.dumps(fill(_schema_from_words(document), document), ensure_ascii=False))
    if after_tool:
        return Reply(text_of(messages[-1]).strip() or "The tool gave no answer.")
    return Reply(_prose(document))


def count_tokens(text: str) -> int:
    """Estimate tokens: four characters each in Latin script, one in others; at least one for any text."""
    latin = sum(1 for each in text if ord(each) < 0x250)
    return math.ceil(latin / 4) + (len(text) - latin)


def embed(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Return a unit vector by feature hashing: texts that share words, their parts or meanings are close together."""
    words = [word.casefold() for word in WORD.findall(text)]
    pieces = [f"#{word[start : start + 3]}" for word in words for start in range(len(word) - 2)]
    meanings = [f"={meaning}" for word in words if (meaning := meaning_of(word)) is not None]
    vector = [0.0] * dimensions
    for feature in words + pieces + meanings * _WEIGHT:
        number = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")
        vector[number % dimensions] += 1.0 if number >> 63 else -1.0
    length = math.sqrt(sum(each * each for each in vector))
    return [each / length for each in vector] if length else [1.0] + [0.0] * (dimensions - 1)


def _prose(document: Document) -> str:
    """Return an answer without a schema: a digest of commits, a draft, or the telling sentences."""
    if commits := commits_in(document.text):
        return digest(commits)
    if document.is_given and ASKS_FOR_REPLY.search(document.instructions):
        return draft(document, asked_in(document))
    return points(document) or "There is no text to work on."


def _schema_from_words(document: Document) -> dict[str, Any]:
    """Return a schema for a plain "answer in JSON": one in the instructions, else the keys that they quote."""
    if schema := _schema_in(document.instructions):
        return schema
    keys = list(dict.fromkeys(KEYS.findall(document.instructions))) or ["title", "summary"]
    return {"type": "object", "properties": {key: {"type": "string"} for key in keys}, "required": keys}


def _schema_in(text: str) -> dict[str, Any] | None:
    """Return the first JSON Schema of an object in a text."""
    for place in (each.start() for each in re.finditer(r"\{", text)):
        try:
            found, _ = json.JSONDecoder().raw_decode(text, place)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get("properties"), dict):
            return found
    return None


def _tool_asked_for(
    tools: Sequence[Mapping[str, Any]],
    choice: str | Mapping[str, Any],
    messages: Sequence[Message],
    document: Document,
) -> Mapping[str, Any] | None:
    """Return the function to call, or None. Only the caller's words count, never those of a mail."""
    functions = [each["function"] for each in tools if each.get("type") == "function"]
    if isinstance(choice, Mapping):
        wanted = choice.get("function", {}).get("name")
        return next((each for each in functions if each["name"] == wanted), None)
    if choice == "none" or not functions:
        return None
    user = [] if document.is_given else [text_of(each) for each in messages if each.get("role") == "user"][-1:]
    said = set(words_of("\n".join([document.instructions, *user])))
    named = [each for each in functions if set(words_of(each["name"])) <= said]
    return next(iter(named), functions[0] if choice == "required" else None)
