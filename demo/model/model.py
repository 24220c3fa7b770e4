"""The demo language model: deterministic, extractive and honest; it never follows orders in a text."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from demo.model import agent, copilot
from demo.model.concepts import meanings_of
from demo.model.document import WORD, PromptDocument, document_of, request_of, text_of, words_of
from demo.model.filler import fill
from demo.model.writing import answer_from_passages, digest, draft, points, telling

MODEL = "demo-extractive"
Message = Mapping[str, Any]
ASKS_FOR_REPLY = re.compile(r"\b(?:repl(?:y|ies)|answer to|draft|respond)\b", re.IGNORECASE)
KEYS = re.compile(r"[\"'`](\w{2,40})[\"'`]")
WHICH = re.compile(
    r'\s*(?:---\s*)?Which "(?P<field>[^"]+)" is right\?\n(?P<choices>(?:[A-Z]: .*\n)+)Answer with one letter only\.\Z'
)
"""The second question about an answer (engine/prompts/answer_checks.py)."""
DIMENSIONS = 256
_WEIGHT = 6
"""How much a shared meaning counts, in words: about as much as a shared word with its parts."""


@dataclass(frozen=True)
class ModelReply:
    """The model's answer: text, or tool calls as (name, arguments)."""

    text: str = ""
    tool_calls: tuple[tuple[str, dict[str, Any]], ...] = ()


def answer(
    messages: Sequence[Message],
    *,
    schema: Mapping[str, Any] | None = None,
    wants_json: bool = False,
    tools: Sequence[Mapping[str, Any]] = (),
    tool_choice: str | Mapping[str, Any] = "auto",
) -> ModelReply:
    """Answer a conversation.

    With a JSON Schema, or `wants_json`, the text is a JSON object. `tools` are the functions of the API's
    `tools`; one is called only if `tool_choice` says so or the instructions ask for it in plain words.
    """
    if moved := copilot.move(messages, tools):
        return ModelReply(moved.text, ((moved.tool, dict(moved.given or {})),) if moved.tool else ())
    if letter := _letter(messages):
        return ModelReply(letter if schema is None else json.dumps({"letter": letter}))
    document = document_of(messages)
    after_tool = bool(messages) and messages[-1].get("role") == "tool"
    if tools and not after_tool and (tool := _tool_asked_for(tools, tool_choice, document)):
        arguments = fill({**(tool.get("parameters") or {}), "type": "object"}, document)
        return ModelReply(tool_calls=((str(tool["name"]), arguments),))
    if told := agent.told_tools(messages):
        return ModelReply(agent.play(messages, told))
    schema = _schema_from_words(document.instructions) if schema is None and wants_json else schema
    if schema is not None:
        return ModelReply(_filled(schema, messages, document))
    if after_tool:
        return ModelReply(text_of(messages[-1]).strip() or "The tool gave no answer.")
    return ModelReply(_prose(document))


def count_tokens(text: str) -> int:
    """Estimate tokens: four characters each in Latin script, one in others; at least one for any text."""
    latin = sum(1 for each in text if ord(each) < 0x250)
    return math.ceil(latin / 4) + (len(text) - latin)


def embed(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Return a unit vector by feature hashing: texts that share words, their parts or meanings are close together."""
    words = [word.casefold() for word in WORD.findall(text)]
    pieces = [f"#{word[start : start + 3]}" for word in words for start in range(len(word) - 2)]
    meanings = [f"={number}" for word in words for number in meanings_of(word)]
    vector = [0.0] * dimensions
    for feature in words + pieces + meanings * _WEIGHT:
        number = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")
        # The sign bit lets features that collide cancel on average (https://arxiv.org/abs/0902.2206).
        vector[number % dimensions] += 1.0 if number >> 63 else -1.0
    length = math.sqrt(sum(each * each for each in vector))
    # A text without words gets a vector, too: a zero vector has no cosine.
    return [each / length for each in vector] if length else [1.0] + [0.0] * (dimensions - 1)


def _letter(messages: Sequence[Message]) -> str:
    """Return the letter of the choice that it makes where it is asked which one is right; "" otherwise."""
    text = text_of(messages[-1]) if messages else ""
    asked = WHICH.search(text)
    if asked is None:
        return ""
    field, choices = asked["field"], dict(re.findall(r"^([A-Z]): (.*)$", asked["choices"], re.MULTILINE))
    schema = {"type": "object", "properties": {field: {"enum": [*choices.values()]}}, "required": [field]}
    said = fill(schema, document_of([*messages[:-1], {**messages[-1], "content": text[: asked.start()]}]))[field]
    return next(str(letter) for letter, choice in choices.items() if choice == said)


def _filled(schema: Mapping[str, Any], messages: Sequence[Message], document: PromptDocument) -> str:
    """Return JSON that fits a schema: the plan of a program, an answer from passages, or values of the document."""
    if schema.get("title") == agent.PLAN:
        return agent.plan(messages)
    found = answer_from_passages(request_of(messages)[0], schema)
    return json.dumps(fill(schema, document) if found is None else found, ensure_ascii=False)


def _prose(document: PromptDocument) -> str:
    """Return an answer without a schema: a digest of commits, a draft, or the telling sentences."""
    if commits := digest(document.text):
        return commits
    if document.is_given and ASKS_FOR_REPLY.search(document.instructions):
        return draft(document)
    told = telling(document, 1) if "in one sentence" in document.instructions else [points(document)]
    return " ".join(told) or "There is no text to work on."


def _schema_from_words(instructions: str) -> dict[str, Any]:
    """Return a schema for a plain "answer in JSON": one in the instructions, or the keys that they quote."""
    with suppress(ValueError, RecursionError):
        found, _ = json.JSONDecoder().raw_decode(instructions.partition("JSON Schema:")[2].lstrip())
        if isinstance(found, dict):
            return found
    keys = list(dict.fromkeys(KEYS.findall(instructions))) or ["title", "summary"]
    return {"type": "object", "properties": {key: {"type": "string"} for key in keys}, "required": keys}


def _tool_asked_for(
    tools: Sequence[Mapping[str, Any]], choice: str | Mapping[str, Any], document: PromptDocument
) -> Mapping[str, Any] | None:
    """Return the function to call, or None. Only the words of the caller count, never the words of a mail."""
    functions = {each["function"]["name"]: each["function"] for each in tools if each.get("type") == "function"}
    if isinstance(choice, Mapping):
        return functions.get(choice.get("function", {}).get("name"))
    said = set(words_of(f"{document.instructions}\n{'' if document.is_given else document.text}"))
    named = [name for name in functions if choice != "none" and set(words_of(name)) <= said]
    found = next(iter(named or (functions if choice == "required" else ())), None)
    return functions.get(found)
