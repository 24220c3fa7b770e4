"""`ask`: questions and changes in plain words, answered without a model."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.failures import DONE, FAILED
from commands.base.opened import Session, opened
from commands.base.options import Demo, Json, Workspace, workflow_name
from commands.base.screen import document, note, say

if TYPE_CHECKING:
    from engine.copilot.proposals.records import Proposal
    from engine.copilot.rules.rules import Answer


def ask(
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="A question, or a change in plain words.")],
    workflow: Annotated[
        str, typer.Option("--workflow", "-w", parser=workflow_name, help="The workflow that it is about.")
    ] = "",
    tick: Annotated[list[str] | None, typer.Option(help="Agree to one of the points that the answer lists.")] = None,
    is_accepted: Annotated[bool, typer.Option("--accept", help="Put the proposed change into your draft.")] = False,
    is_saved: Annotated[bool, typer.Option("--save", help="Accept it, and save your draft to the file.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Ask about a workflow or the documentation, or change a workflow in plain words. No model is asked."""
    with opened(workspace, demo=demo) as session:
        answer = session.orchestra.copilot.rules.answer(session.principal, " ".join(words), workflow)
        made = answer.proposal
        if made is not None and (is_accepted or is_saved):
            made = _accepted(session, made, tick or [], is_saved=is_saved)
    if as_json:
        document({**asdict(answer), "proposal": None if made is None else asdict(made)})
    else:
        _show(answer, made)
    return FAILED if made is not None and not made.is_acceptable else DONE


def _accepted(session: Session, made: Proposal, ticks: list[str], *, is_saved: bool) -> Proposal:
    orchestra, p = session.orchestra, session.principal
    orchestra.copilot.proposals.accept(p, made.workflow, made.id, steps=None, ticks=ticks)
    if is_saved:
        draft = orchestra.editing.draft_text(p, made.workflow)
        orchestra.editing.save(p, made.workflow, draft.text, draft.state.etag)
        note(f"{made.workflow} is saved.")
    else:
        note(f"Your draft of {made.workflow} has it; nothing is saved yet.")
    return orchestra.copilot.proposals.get(p, made.workflow, made.id)


def _show(answer: Answer, made: Proposal | None) -> None:
    say(answer.text)
    for sample in answer.samples:
        say(f"\n  {sample.title}: {sample.description}\n  orchestra workflows new NAME --sample {sample.name}")
    for passage in answer.passages:
        place = f"docs/{passage.page}.md{f'#{passage.anchor}' if passage.anchor else ''}"
        say(f"\n  {passage.page_title}: {passage.title} ({place})\n  {passage.excerpt}")
    for example in answer.examples:
        say(f"  {example}")
    if made is not None:
        _show_proposal(made)
    note(answer.note)


def _show_proposal(made: Proposal) -> None:
    for line in made.diff.splitlines():
        say(line)
    for sentence in made.sentences:
        note(sentence)
    for problem in made.problems:
        note(f"{problem.severity}: {problem}")
    note(f"{made.untouched.steps} other steps stay as they are.")
    if made.status == "open":
        for one in made.ticks:
            note(f"To agree to: {one.words} (--tick {one.id})")
        note("`--accept` puts it into your draft." if made.is_acceptable else "It cannot be accepted like this.")
