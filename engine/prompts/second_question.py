"""Which choice is right, asked again: what a model is asked to find out how sure it is of its answer.

It is asked with a letter for each choice. What it chose stands last: a model that cannot tell likes to say the first
one (measured: docs/prompts.md). One letter is the cheapest answer there is, and where the server tells how probable
each letter was, that is how sure the model is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from string import ascii_uppercase

from msgspec import Struct

from engine.base.json_text import JsonSchema
from engine.plugins.step import JsonValue
from engine.prompts.messages import WireMessage

_AROUND_A_LETTER = " \t\n\"'`*_().:"


class SecondQuestion(Struct, frozen=True):
    """Which choice is right, asked again, to be answered with a letter."""

    messages: Sequence[WireMessage]
    letters: str
    """Of all choices; the last one is that of the first answer."""

    @classmethod
    def of(
        cls, messages: Sequence[WireMessage], field: str, chosen: JsonValue, choices: Sequence[JsonValue]
    ) -> SecondQuestion:
        """Return the question about a field; `messages` are those of the first question."""
        others = [one for one in choices if one != chosen]
        letters = ascii_uppercase[: len(others) + 1]
        listed = [f"{letter}: {written(one)}" for letter, one in zip(letters, [*others, chosen], strict=True)]
        asked = "\n".join([f'Which "{field}" is right?', *listed, "Answer with one letter only."])
        last = messages[-1] if messages else None
        if last is None or last["role"] != "user" or not isinstance(last["content"], str):
            return cls([*messages, {"role": "user", "content": asked}], letters)
        # One message, as some models want roles to alternate.
        return cls([*messages[:-1], {"role": "user", "content": f"{last['content']}\n\n---\n{asked}"}], letters)

    @property
    def schema(self) -> JsonSchema:
        """The answer as JSON, for servers that give no probabilities."""
        return {
            "type": "object",
            "properties": {"letter": {"type": "string", "enum": [*self.letters]}},
            "required": ["letter"],
            "additionalProperties": False,
        }

    def sure(self, likely: Mapping[str, float]) -> float | None:
        """Return how probable the letter of the first answer is among all letters, by the tokens that may be first.

        None if the most probable one is no letter: then it begins something else than an answer.
        """
        found = dict.fromkeys(self.letters, 0.0)
        is_letter = False
        for token, probability in likely.items():
            letter = token.strip(_AROUND_A_LETTER)
            if letter in found:
                found[letter] += probability
                is_letter = is_letter or probability == max(likely.values())
        return found[self.letters[-1]] / sum(found.values()) if is_letter else None


def written(choice: JsonValue) -> str:
    """Return a choice as people read it."""
    return choice if isinstance(choice, str) else json.dumps(choice, ensure_ascii=False)
