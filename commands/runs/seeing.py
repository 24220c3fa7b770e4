"""`runs show --seen`: what the model of a step saw, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.base.failures import DONE
from commands.base.screen import document, note, say

if TYPE_CHECKING:
    from engine.runs.seen.seen import Seen, SeenPart

_SHOWN = 2_000


def show_seen(seen: Seen, *, as_json: bool) -> int:
    """Show each part of the messages with its origin, its share of the tokens and what is missing in it."""
    if as_json:
        document(seen)
        return DONE
    counted = "" if seen.input_tokens is None else f"; the model counted {seen.input_tokens:,}"
    say(f"{seen.model} saw about {seen.tokens:,} tokens{counted}.")
    for message in seen.messages:
        say("")
        say(f"{message.role}:")
        for part in message.parts:
            say(f"  [{_head(part)}]")
            text = part.text if len(part.text) <= _SHOWN else f"{part.text[:_SHOWN]}… (`--json` shows all)"
            say("\n".join(f"    {line}" for line in text.splitlines()))
    if seen.left_out:
        note(f"Not sent, as the model does not know them: {', '.join(seen.left_out)}.")
    if seen.cut:
        note(seen.cut)
    return DONE


def _head(part: SeenPart) -> str:
    origin = " ".join(filter(None, [part.step, f"({part.uses})" if part.uses else ""]))
    cut = f"cut: {part.cut}" if part.cut else ""
    share = f"{part.percent} %, {part.tokens:,} tokens"
    return ", ".join(filter(None, [part.source, part.name, origin, share, cut]))
