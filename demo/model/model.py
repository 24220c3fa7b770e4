"""The demo language model: deterministic, extractive, and honest about it; it follows no order found in a text."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.model.choice import choose, words_of
from demo.model.filler import fill
from demo.model.reply import draft
from demo.model.summary import commits_in, digest, summary_in_points
from demo.model.text import WORD, Document, document_of, text_of

MODEL = "demo-extractive"
DIMENSIONS = 256
Message = Mapping[str, Any]
ASKS_FOR_REPLY = re.compile(r"\b(?:repl(?:y|ies)|answer to|draft|respond|antwort|réponse|respuesta)\b", re.IGNORECASE)
ONE_WORD = re.compile(r"\b(?:one word|single word|only (?:the|with)|just the)\b", re.IGNORECASE)
CHOICES = re.compile(
    r"(?:one of|into|either|as)\s*:?\s*((?:[`\"']?\w+[`\"']?(?:\s*,\s*|,?\s+(?:or|and)\s+))+[`\"']?\w+)",
    re.IGNORECASE,
)
KEYS = re.compile(r"[\"'`](\w{2,40})[\"'`]")


@dataclass(frozen=True)
class Reply:
    """What the model says: text, or calls of tools as (name, arguments)."""

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

    With a JSON Schema, or `wants_json`, the text is one JSON object. `tools` are the functions of the API's
    `tools`; one is called only if `tool_choice` says so or the instructions ask for it in plain words.
    """
    document = document_of(messages)
    after_tool = bool(messages) and messages[-1].get("role") == "tool"
    if tools and not after_tool and (tool := _tool_asked_for(tools, tool_choice, messages, document)):
        return Reply(tool_calls=((str(tool["name"]), _arguments(tool, document)),))
    if schema is not None:
        return Reply(json.dumps(fill(schema, document), ensure_ascii=False))
    if wants_json:
        return Reply(json.dumps(fill(_schema_from_words(document), document), ensure_ascii=False))
    if after_tool:
        return Reply(text_of(messages[-1]).strip() or "The tool gave no answer.")
    return Reply(_prose(document))


def count_tokens(text: str) -> int:
    """A plain estimate: four characters to a token in Latin script, one in others; at least one for any text."""
    latin = sum(1 for each in text if ord(each) < 0x250)
    return math.ceil(latin / 4) + (len(text) - latin)


def embed(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A unit vector by feature hashing: texts that share words, and parts of words, lie close together."""
    vector = [0.0] * dimensions
    for feature in _features(text):
        digest_bytes = hashlib.blake2b(feature.encode(), digest_size=8).digest()
        number = int.from_bytes(digest_bytes, "big")
        vector[number % dimensions] += 1.0 if number >> 63 else -1.0
    length = math.sqrt(sum(each * each for each in vector))
    return [each / length for each in vector] if length else [1.0] + [0.0] * (dimensions - 1)


def _features(text: str) -> list[str]:
    """Words and their three-letter pieces, so that inflected forms and unspaced scripts still meet."""
    words = [word.casefold() for word in WORD.findall(text)]
    pieces = [f"#{word[i : i + 3]}" for word in words for i in range(len(word) - 2)]
    return words + pieces


def _prose(document: Document) -> str:
    """An answer without a schema: one word, a digest of commits, a draft, or a summary."""
    if commits := commits_in(document.text):
        return digest(commits)
    if ONE_WORD.search(document.instructions) and (choices := CHOICES.search(document.instructions)):
        values = [each for each in WORD.findall(choices.group(1)) if each.casefold() not in {"or", "and"}]
        return choose(values, document) or values[-1]
    if document.is_given and ASKS_FOR_REPLY.search(document.instructions):
        return draft(document)
    return summary_in_points(document) or "There is no text to work on."


def _schema_from_words(document: Document) -> dict[str, Any]:
    """A schema for a plain "answer in JSON": one that the instructions hold, else the keys they name in quotes."""
    if schema := _schema_in(document.instructions):
        return schema
    keys = list(dict.fromkeys(KEYS.findall(document.instructions))) or ["title", "summary"]
    return {"type": "object", "properties": {key: {"type": "string"} for key in keys}, "required": keys}


def _schema_in(text: str) -> dict[str, Any] | None:
    """The first JSON Schema of an object that stands in a text."""
    for place in (each.start() for each in re.finditer(r"\{", text)):
        try:
            found, _ = json.JSONDecoder().raw_decode(text, place)
        except ValueError:
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
    """The function to call, or None. What a document says never counts, only what the caller says."""
    functions = [each["function"] for each in tools if each.get("type") == "function"]
    if isinstance(choice, Mapping):
        wanted = choice.get("function", {}).get("name")
        return next((each for each in functions if each["name"] == wanted), None)
    if choice == "none" or not functions:
        return None
    said = _said_by_caller(messages, document)
    ranked = max(functions, key=lambda each: _mentions(each, said))
    return ranked if choice == "required" or _mentions(ranked, said) >= 1 else None


def _said_by_caller(messages: Sequence[Message], document: Document) -> set[str]:
    """The words of the instructions; a user message without a mail in it is an instruction itself."""
    user = [text_of(each) for each in messages if each.get("role") == "user"]
    own = document.instructions if document.is_given else "\n".join([document.instructions, *user[-1:]])
    return {_stem(word) for word in words_of(own)}


def _mentions(function: Mapping[str, Any], said: set[str]) -> float:
    """The share of the words of a function's name that were said; 1 is all of them."""
    words = [_stem(word) for word in words_of(str(function["name"]).replace(".", "_")) if len(word) > 2]
    return sum(1 for word in words if word in said) / len(words) if words else 0.0


def _stem(word: str) -> str:
    """A word without its English ending, roughly."""
    return re.sub(r"(?:ing|ed|es|s|e)$", "", word) if len(word) > 4 else word


def _arguments(function: Mapping[str, Any], document: Document) -> dict[str, Any]:
    filled = fill(function.get("parameters") or {"type": "object", "properties": {}}, document)
    return filled if isinstance(filled, dict) else {}
