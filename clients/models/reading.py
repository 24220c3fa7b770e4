"""Notices when a model server has read only a part of a prompt: some cut long ones without a word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_DENSE = "぀-ヿ㐀-䶿一-鿿가-힯豈-﫿฀-໿က-႟ក-៿"
"""Scripts without spaces between words: Japanese, Chinese, Korean, Thai, Lao, Burmese, Khmer."""
_PARTS = re.compile(rf"[{_DENSE}]+|[^\W{_DENSE}]+|[^\w\s]+(?=\s|\Z)")
_LETTERS = re.compile(f"[{_DENSE}]")
_CHARACTERS_PER_TOKEN = 3
"""Of text in other scripts; English has about four."""
_DENSE_PER_TOKEN = 4
"""More letters than a tokenizer puts into one token, on average, in these scripts."""
_WORTH_TOLD = 1_000
"""Tokens: no server has a context that small, and short prompts are answered from the server's cache."""
_MISSING = 0.8


def least_tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    """Return a lower bound of the tokens of messages: no tokenizer joins words across spaces."""
    return sum(_least(text) for message in messages for text in _texts(message.get("content")))


def likely_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many: a letter of a dense script, else three characters."""
    dense = len(_LETTERS.findall(text))
    return dense + -(-(len(text) - dense) // _CHARACTERS_PER_TOKEN)


def cut_note(messages: Sequence[Mapping[str, Any]], usage: Mapping[str, int]) -> str:
    """Return a sentence for people if the server has read much less than the messages; "" if not, or if unknown."""
    read = usage["input_tokens"]
    if not read:
        return ""
    sent = least_tokens(messages)
    if sent < _WORTH_TOLD or read >= sent * _MISSING:
        return ""
    return (
        f"The server read about {_rounded(read):,} of about {_rounded(sent):,} tokens: the prompt is longer than its"
        " context, and the rest was cut off. Give the model less text, or a larger context"
        " (Ollama: OLLAMA_CONTEXT_LENGTH; LM Studio: context length; llama.cpp: -c)."
    )


def _least(text: str) -> int:
    return sum(-(-len(part) // _DENSE_PER_TOKEN) if _is_dense(part) else 1 for part in _PARTS.findall(text))


def _is_dense(part: str) -> bool:
    return re.match(f"[{_DENSE}]", part) is not None


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (one["text"] for one in content if isinstance(one, Mapping) and isinstance(one.get("text"), str))


def _rounded(count: int) -> int:
    """Return a count rounded to two or three digits, since it is an estimate."""
    return count if count < 100 else round(count, -1) if count < 10_000 else round(count, -3)
