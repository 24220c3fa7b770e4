"""`ask --restore`: what a draft was before a proposal was accepted, shown as a difference first."""

from __future__ import annotations

from dataclasses import asdict

import typer

from commands.base.agreeing import at_terminal
from commands.base.failures import DONE, Declined
from commands.base.opened import Session
from commands.base.screen import document, note, say


def restored(session: Session, workflow: str, proposal_id: str, *, yes: bool, as_json: bool) -> int:
    """Show what restoring would change, and do so once somebody at a terminal, or --yes, agrees."""
    restoring, p = session.orchestra.copilot.restoring, session.principal
    found = restoring.look(p, workflow, proposal_id)
    if not as_json:
        say(found.diff.rstrip("\n") or "Your draft is as it was before.")
        for sentence in found.sentences:
            note(sentence)
    is_agreed = yes or (found.diff != "" and at_terminal(as_json=as_json) and typer.confirm("Restore this?"))
    if found.diff and is_agreed:
        restoring.restore(p, workflow, proposal_id, found.rev)
        note(f"Your draft of {workflow} is as it was before; nothing is saved yet.")
    elif found.diff and at_terminal(as_json=as_json):
        raise Declined("Nothing was restored.")
    elif found.diff:
        note("Nothing has been restored. Add --yes to restore it.")
    if as_json:
        document({**asdict(found), "is_restored": bool(found.diff) and is_agreed})
    return DONE
