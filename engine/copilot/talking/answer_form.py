"""How a model is asked and answers: in words with calls of tools, or as one JSON object that a grammar permits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct
from pydantic_core import from_json

from clients.models.loose_json import loose_json
from engine.base.json_text import JsonObject, JsonSchema
from engine.copilot.talking.question import ModelQuestion

Say = Callable[[str], None]
_LONGEST_COMPLAINT = 1_500
"""Letters of what a small model has to mend."""
_CALL = "proposal"
"""The id of the only call in an answer as JSON."""


class AnswerForm(Protocol):
    """The form of all requests and answers of a turn."""

    @property
    def ends_with_proposal(self) -> bool:
        """Whether nothing more is asked once a proposal compiles."""
        ...

    def question(self, messages: Sequence[JsonObject], seconds: float, say: Say) -> ModelQuestion:
        """Return a request; `say` gets the words of the answer as they arrive."""
        ...

    def read(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """Return an answer of the client with its words as `text`, and its `tool_calls`; None if it has neither."""
        ...

    def said(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return what `read` has returned as a message of the conversation."""
        ...

    def told(self, call_id: str, words: str) -> dict[str, Any]:
        """Return what became of a call as a message of the conversation."""
        ...


class WithTools(Struct, frozen=True):
    """Words, and calls of tools (https://platform.openai.com/docs/api-reference/chat)."""

    offered: Sequence[JsonObject]
    """As the model gets them."""
    ends_with_proposal: bool = False

    def question(self, messages: Sequence[JsonObject], seconds: float, say: Say) -> ModelQuestion:
        """Return a request with tools."""
        return ModelQuestion(list(messages), self.offered, "", seconds, say)

    def read(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer as it is."""
        return answer

    def said(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return words and calls."""
        calls = [
            {
                "id": one["id"],
                "type": "function",
                "function": {"name": one["name"], "arguments": json.dumps(one["arguments"], ensure_ascii=False)},
            }
            for one in answer["tool_calls"]
        ]
        return {"role": "assistant", "content": answer["text"], "tool_calls": calls}

    def told(self, call_id: str, words: str) -> dict[str, Any]:
        """Return the answer of a tool."""
        return {"role": "tool", "tool_call_id": call_id, "content": words}


class AsJson(Struct, frozen=True):
    """One JSON object, {"words", "ops"}: no tools, which the chat templates of many small models do not have."""

    schema: JsonSchema
    most_tokens: int
    """Of an answer: a small model may repeat itself without end."""
    ends_with_proposal: bool = True

    def question(self, messages: Sequence[JsonObject], seconds: float, say: Say) -> ModelQuestion:
        """Return a request for JSON of the schema."""
        return ModelQuestion(
            list(messages), (), "", seconds, WordsInJson(say).add, schema=self.schema, most_tokens=self.most_tokens
        )

    def read(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """Return the words, and the operations as a call of `propose`.

        Of an answer that was cut off, only words count. A server that cannot be held to a schema may answer in plain
        words.
        """
        written = str(answer["text"]).strip()
        found = _whole(written)
        if found is None:
            found = _begun(written) if written.startswith("{") else {"words": written}
            if "ops" in found:
                return None
        words, ops = str(found.get("words") or "").strip(), found.get("ops")
        if not words and not ops:
            return None
        calls = [{"id": _CALL, "name": "propose", "arguments": {"ops": ops, "why": words}}] if ops else []
        return {**answer, "text": words, "tool_calls": calls, "written": written}

    def said(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON that the model has written."""
        return {"role": "assistant", "content": answer["written"]}

    def told(self, call_id: str, words: str) -> dict[str, Any]:
        """Return what is wrong with the operations."""
        del call_id
        return {"role": "user", "content": words[:_LONGEST_COMPLAINT]}


class WordsInJson(Struct):
    """Finds the words in JSON that is still being written. A text that is no object is passed on as it is."""

    say: Say
    _written: str = ""
    _said: int = 0

    def add(self, piece: str) -> None:
        """Take the next piece, and say what it adds to the words; "" for a piece that adds none."""
        self._written += piece
        begun = self._written.lstrip()
        words = str(_begun(begun).get("words") or "") if begun[:1] in ("{", "") else begun
        new, self._said = words[self._said :], max(self._said, len(words))
        self.say(new)


def _whole(written: str) -> dict[str, Any] | None:
    try:
        found = loose_json(written)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _begun(written: str) -> dict[str, Any]:
    """Return what JSON says that ends too early, also within a text; {} for anything else."""
    try:
        found = from_json(written, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
