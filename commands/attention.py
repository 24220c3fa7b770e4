"""`attention`: what needs a person, as on the page Home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say
from commands.base.session import looked_at

if TYPE_CHECKING:
    from engine.operations.attention import AttentionItem


_LABELS = {
    "writes_held": "Writes held",
    "question": "Question",
    "unknown_write": "Write with unknown outcome",
    "failed_run": "Failed run",
    "set_aside_run": "Run set aside",
    "interrupted_run": "Interrupted run",
    "account": "Account",
    "trigger": "Trigger",
    "budget": "Budget",
    "trying_again": "Trying again",
}


def attention(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show what needs a person, as on the page Home: a line for each thing, with what helps."""
    with looked_at(workspace, demo=demo, tells_held=False, as_served=True) as session:
        found = session.orchestra.attention.items(session.principal)
    if as_json:
        document({"items": found})
        return DONE
    for one in found:
        say(_line(one))
    if not found:
        say("Nothing needs you.")
    return DONE


def _line(one: AttentionItem) -> str:
    """Return an item as one line: what it is, what happened, and what helps."""
    message = one.message if one.message.endswith((".", "!", "?", "…")) else f"{one.message}."
    return " ".join(f"{_LABELS[one.kind]}: {message} {one.remedy}".split())
