"""Separates a reasoning model's thoughts from its answer, where the server leaves both in the text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

_NAMES = "think|thinking|thought|thoughts|reasoning|seed:think"
_OPENS = re.compile(rf"\s*(?:<({_NAMES})>|(\[THINK\])|(◁think▷))", re.IGNORECASE)
"""How thoughts begin: most models; Magistral; Kimi."""
_CLOSES = re.compile(r"</(?:think|thinking|seed:think)>|\[/THINK\]|◁/think▷", re.IGNORECASE)
"""How they end where the template of the model has begun them, so that no beginning is in the text."""
_FINAL = re.compile(r"<\|channel\|>final[^<]*<\|message\|>")
"""How gpt-oss begins its answer (OpenAI, harmony response format)."""
_HARMONY = ("<|channel|>", "<|start|>")
_MARK = re.compile(r"<\|(?:return|end|call)\|>\s*\Z")
_QUOTES = frozenset("'\"`“”‘’«»„")
_LONGEST_OPENING = 16


def without_thoughts(text: str) -> str:
    """Return an answer without the thoughts before it; thoughts without an end take up the whole text."""
    if text.lstrip().startswith(_HARMONY):
        answers = list(_FINAL.finditer(text))
        return _MARK.sub("", text[answers[-1].end() :]) if answers else ""
    while (end := _end_of_thoughts(text)) is not None:
        text = text[end:].lstrip()
    return text


def _end_of_thoughts(text: str) -> int | None:
    """Return where the thoughts at the beginning end, or None."""
    begun = _OPENS.match(text)
    if begun is not None:
        closing = re.escape(f"</{begun[1]}>") if begun[1] else r"\[/THINK\]" if begun[2] else "◁/think▷"
        ended = re.compile(closing, re.IGNORECASE).search(text, begun.end())
        return len(text) if ended is None else ended.end()
    fences = counted = 0
    for ended in _CLOSES.finditer(text):
        fences += text.count("```", counted, ended.start())
        counted = ended.start()
        # In a block of code, the mark belongs to the answer.
        if fences % 2 == 0 and not _is_quoted(text, ended):
            return None if _is_json(text) else ended.end()
    return None


def _is_quoted(text: str, found: re.Match[str]) -> bool:
    """Return whether a mark is in quotation marks: then the text speaks about it."""
    before, after = text[max(found.start() - 1, 0) : found.start()], text[found.end() : found.end() + 1]
    return bool(before and after) and before in _QUOTES and after in _QUOTES


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class ThoughtFilter:
    """Hands on the pieces of an answer as it arrives, without what the model thinks first.

    `begins_in_thoughts`: whether nothing is handed on before the end of thoughts, as their beginning is not in the
    text; without such an end, all of it is handed on by `end`.
    """

    def __init__(self, on_text: Callable[[str], None], *, begins_in_thoughts: bool = False) -> None:
        self._on_text, self._begins_in_thoughts = on_text, begins_in_thoughts
        self._held = ""
        self._is_speaking = False

    def add(self, piece: str) -> None:
        """Take a piece."""
        if self._is_speaking:
            self._on_text(piece)
            return
        self._held += piece
        is_thinking = self._begins_in_thoughts or _is_thinking(self._held)
        if is_thinking and not any(sign in piece for sign in ">]▷"):
            return
        text = without_thoughts(self._held)
        if not _may_begin_thoughts(text) and not (self._begins_in_thoughts and text == self._held):
            self._say(text)

    def end(self) -> None:
        """Pass on the text that was held back because it might have begun thoughts."""
        if not self._is_speaking and (text := without_thoughts(self._held)):
            self._say(text)

    def _say(self, text: str) -> None:
        self._is_speaking, self._held = True, ""
        self._on_text(text)


def _is_thinking(text: str) -> bool:
    """Return whether a text begins with thoughts, which end at a mark."""
    return text.lstrip().startswith(_HARMONY) or _OPENS.match(text) is not None


def _may_begin_thoughts(text: str) -> bool:
    """Return whether it is too early to say that a text begins with no thoughts."""
    begun = text.lstrip()
    is_short = len(begun) < _LONGEST_OPENING and not any(sign in begun for sign in "\n ")
    return not begun or (begun[0] in "<[◁" and is_short)
