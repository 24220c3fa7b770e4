"""`ask --restore`: what a draft was before a proposal was accepted, shown as a difference first."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from commands.base.agreeing import at_terminal
from commands.base.failures import DONE, FAILED, Declined
from commands.base.screen import document, note, say
from engine.base.errors import OrchestraError

if TYPE_CHECKING:
    from commands.base.session import CommandSession


def restored(
    session: CommandSession, workflow: str, proposal_id: str, *, yes: bool, is_saved: bool, as_json: bool
) -> int:
    """Show what restoring would change, and do so once somebody at a terminal, or --yes, agrees; then save it."""
    restoring, p = session.orchestra.copilot.restoring, session.principal
    found = restoring.look(p, workflow, proposal_id)
    if not as_json:
        say(found.diff.rstrip("\n") or "Your draft is as it was before.")
        for sentence in found.sentences:
            note(sentence)
    _tell_file(session, workflow)
    is_agreed = yes or (found.diff != "" and at_terminal(as_json=as_json) and typer.confirm("Restore this?"))
    if found.diff and is_agreed:
        restoring.restore(p, workflow, proposal_id, found.rev)
        note(f"Your draft of {workflow} is as it was before{'' if is_saved else '; nothing is saved yet'}.")
    elif found.diff and at_terminal(as_json=as_json):
        raise Declined("Nothing was restored.")
    elif found.diff:
        note("Nothing has been restored. Add --yes to restore it.")
    is_open = bool(found.diff) and not is_agreed
    if is_saved and not is_open:
        save_draft(session, workflow)
    if as_json:
        document({**asdict(found), "is_restored": bool(found.diff) and is_agreed})
    return FAILED if is_open else DONE


def save_draft(session: CommandSession, workflow: str) -> None:
    """Save the draft of a workflow to its file."""
    editing, p = session.orchestra.editing, session.principal
    draft = editing.draft_text(p, workflow)
    editing.save(p, workflow, draft.text, draft.state.etag)
    note(f"{workflow} is saved.")


def _tell_file(session: CommandSession, workflow: str) -> None:
    """Say what is wrong with the file, which a draft of it hides."""
    try:
        problems = session.orchestra.workflows.get(session.principal, workflow).problems
    except OrchestraError as error:
        note(f"The file itself: {error.message} {error.remedy}")
        return
    for one in problems:
        if one.severity == "error":
            note(f"The file itself: {one}")
