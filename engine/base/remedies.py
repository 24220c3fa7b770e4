"""Put remedies, which are written with CLI commands, in the words of another front end."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence

_COMMAND = re.compile(r"`orchestra (?P<command>[^`]+)`(?P<more>(?: or `--[a-z-]+`)?)")
_FLAG = re.compile(r"`(?P<flag>--[a-z-]+)(?P<value>[ =][^`]*)?`")
_OPENS_SENTENCE = re.compile(r"(?:^|[.!?] )$")

Reword = Callable[[Sequence[str], Sequence[str]], str | None]
"""What a front end says in place of a command, given its words and flags; None if it has no equivalent."""


def reworded(text: str, reword: Reword, flags: Mapping[str, str]) -> str:
    """Return a message or remedy without commands and flags that the front end has other words for.

    A command without an equivalent (`orchestra serve`) is kept. `flags`: what is said for a flag that is named alone.
    """

    def command(found: re.Match[str]) -> str:
        words = _words(found["command"])
        said = reword(words, [*_flags(" ".join(words)), *_flags(found["more"])])
        if said is None:
            return found.group()
        return _capital(said) if _OPENS_SENTENCE.search(text[: found.start()]) else said

    def of_flag(found: re.Match[str]) -> str:
        return flags.get(found["flag"], found.group())

    return _FLAG.sub(of_flag, _COMMAND.sub(command, text)) if "`" in text else text


def command_name(words: Sequence[str], known: Mapping[str, str]) -> str | None:
    """Return the known command that the words begin with, or None; the longest name wins."""
    return next((name for name in (" ".join(words[:2]), " ".join(words[:1])) if name in known), None)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _flags(text: str) -> list[str]:
    return re.findall(r"--[a-z-]+", text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
