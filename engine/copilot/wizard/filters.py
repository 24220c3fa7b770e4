"""Which items count: fields of the step that lists them where it has such, and else conditions of an expression."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.copilot.wizard.records import ItemFilter
from engine.copilot.wizard.sources import ItemSource

_HOURS = 24
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
"""The signs that mean something in a pattern."""
_ADDRESS = re.compile(r"(?:[^\s@<>,;\"]*@)?[^\s@<>,;\"]+\.[^\s@<>,;\"]+")


def step_fields(source: ItemSource, only: ItemFilter) -> dict[str, Any]:
    """Return the fields of the listing step that choose items."""
    match source.name:
        case "mail":
            return {"query": gmail_query(only)}
        case "mailbox":
            found = {"text": " ".join(only.words), "from": only.senders[0] if len(only.senders) == 1 else ""}
            return {name: value for name, value in found.items() if value}
        case "outlook":
            query = outlook_query(only)
            return {"query": query} if query else {}
        case "issues":
            return {"labels": list(only.labels)} if only.labels else {}
        case "commits":
            return {"since": _ago(only.newer_days)} if only.newer_days else {}
        case "events":
            latest = f"{{{{ string(timestamp(run.started_at) + duration('{only.newer_days * _HOURS}h')) }}}}"
            return {"latest": latest} if only.newer_days else {}
    return {}


def _term(text: str) -> str:
    return f'"{text}"' if " " in text else text


def gmail_query(only: ItemFilter) -> str:
    """Return a search as in Gmail: https://support.google.com/mail/answer/7190."""
    words = [_term(one) for one in only.words]
    parts = [] if (only.has_file or only.ending) and not only.senders else ["in:inbox"]
    senders = [f"from:{_term(one)}" for one in only.senders]
    parts += [one[0] if len(one) == 1 else f"{{{' '.join(one)}}}" for one in (words, senders) if one]
    if only.ending:
        parts.append(f"filename:{only.ending}")
    elif only.has_file:
        parts.append("has:attachment")
    if only.newer_days:
        parts.append(f"newer_than:{only.newer_days}d")
    if only.older_days:
        parts.append(f"older_than:{only.older_days}d")
    return " ".join(parts)


def outlook_query(only: ItemFilter) -> str:
    """Return a search as in Outlook that finds at least the mails that count: `conditions` compares them again."""
    words = only.words if len(only.words) == 1 else ()
    senders = [f"from:{_term(one)}" for one in only.senders] if len(only.senders) == 1 else []
    files = ["hasattachments:true"] if only.has_file or only.ending else []
    return " ".join([*map(_term, words), *senders, *files])


def conditions(source: ItemSource, only: ItemFilter, item: str) -> str:
    """Return what must hold for an item, as an expression; empty if the step has chosen already."""
    return " && ".join(_conditions(source, only, item))


def _conditions(source: ItemSource, only: ItemFilter, item: str) -> Iterator[str]:
    if only.words and source.name not in ("mail", "mailbox"):
        parts = [source.parts[one].replace("@", item) for one in ("title", "text") if one in source.parts]
        text = " + ' ' + ".join(dict.fromkeys(parts))
        yield contains(f"({text})", only.words)
    if (only.has_file or only.ending) and source.name in {"mailbox", "outlook"}:
        yield f"{item}.attachments.exists(a, !a.inline)"
    if len(only.senders) > 1 and source.name in {"mailbox", "outlook"}:
        yield _is_from(f"{item}.from", only.senders)
    if only.older_days and source.changed:
        hours = only.older_days * _HOURS
        changed = source.changed.replace("@", item)
        yield f"timestamp({changed}) < timestamp(run.started_at) - duration('{hours}h')"
    if only.unassigned:
        yield f"size({item}.assignees) == 0"
    if only.column:
        yield f"double({item}.values[{quoted(only.column)}]) > {only.above}"


def _is_from(sender: str, wanted: Sequence[str]) -> str:
    """Return the expression for a sender that has one of some addresses or domains; a name does not count."""
    if not all(_ADDRESS.fullmatch(one) for one in wanted):
        return contains(sender, wanted)
    low = ", ".join(quoted(one.lower().removeprefix("@")) for one in wanted)
    return f"[{low}].exists(w, ('@' + address({sender})).endsWith('@' + w))"


def contains(text: str, words: Sequence[str]) -> str:
    """Return the expression for a text that has one of some words, in capital letters or small ones.

    `lowerAscii` knows only the letters from A to Z: of others, a pattern takes both cases.
    """
    if not all(one.isascii() for one in words):
        pattern = "|".join(_SPECIAL.sub(r"\\\g<0>", one) for one in words)
        return f"{text}.matches({quoted(f'(?i)({pattern})' if len(words) > 1 else f'(?i){pattern}')})"
    low = [quoted(one.lower()) for one in words]
    if len(low) > 1:
        return f"[{', '.join(low)}].exists(w, {text}.lowerAscii().contains(w))"
    return f"{text}.lowerAscii().contains({low[0]})"


def _ago(days: int) -> str:
    return f"{{{{ timestamp(run.started_at) - duration('{days * _HOURS}h') }}}}"


def quoted(text: str) -> str:
    """Return a text as a literal of an expression."""
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace("'", "\\'").replace('\\"', '"') + "'"
