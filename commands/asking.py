"""`ask`: commands and words to look up without a model, anything in plain words with one."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from clients.wording import counted
from commands.base.agreeing import at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace, workflow_name
from commands.base.screen import document, note, say
from commands.base.session import CommandSession, opened
from commands.copilot.accepting import require_ticks, require_whole
from commands.copilot.model import asked_model, selected, show_end, use_words
from commands.copilot.prompt import PromptQuestion, ask_about_prompt
from commands.copilot.restoring import restored, save_draft

if TYPE_CHECKING:
    from engine.copilot.proposals.records import Proposal
    from engine.copilot.talking.records import Turn
    from engine.copilot.without_model.without_model import AnswerWithoutModel

_Selected = Annotated[list[str] | None, typer.Option("--step", help="The id of a step that the question is about.")]
_Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="WORD...", help="A command, words to look up, or with --model anything in plain words."),
]
_Values = Annotated[
    list[str] | None,
    typer.Option(help="With --model: the path of a step of --run, or a case of --prompt, whose values may be sent."),
]
_Prompt = Annotated[str, typer.Option("--prompt", help="The prompt to change: a model proposes a new text.")]
_Restores = Annotated[
    str, typer.Option("--restore", metavar="ID", help="Restore your draft as it was before you accepted this proposal.")
]
_Agrees = Annotated[
    bool, typer.Option("--yes", help="Agree to the account that answers the cases of --prompt, or to --restore.")
]


def ask(
    words: _Words = None,
    workflow: Annotated[
        str, typer.Option("--workflow", "-w", parser=workflow_name, help="The workflow that the question is about.")
    ] = "",
    tick: Annotated[list[str] | None, typer.Option(help="Agree to one of the points that the answer lists.")] = None,
    is_accepted: Annotated[bool, typer.Option("--accept", help="Put the proposed change into your draft.")] = False,
    is_saved: Annotated[bool, typer.Option("--save", help="Accept or restore it, and save your draft.")] = False,
    asks_model: Annotated[bool, typer.Option("--model", help="Ask the connected model about the workflow.")] = False,
    agrees: Annotated[bool, typer.Option("--agree", help="Agree to what is sent to this model, from now on.")] = False,
    run: Annotated[str, typer.Option("--run", help="A run of the workflow that the question is about.")] = "",
    value: _Values = None,
    step: _Selected = None,
    prompt: _Prompt = "",
    restores: _Restores = "",
    yes: _Agrees = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Ask about a workflow or the documentation, or change a workflow or a prompt.

    Without --model, a few commands are understood (with --workflow), and other words are looked up in the
    documentation. With it, or with --prompt, a model answers plain words.
    """
    said = " ".join(words or [])
    if restores and (said or not workflow):
        raise typer.BadParameter("It needs --workflow, and takes no words.", param_hint="--restore")
    if not said and not restores:
        raise typer.BadParameter("Ask something, or say what to change.", param_hint="WORD...")
    kept = (is_accepted or is_saved, is_saved)
    with opened(workspace, demo=demo) as session:
        if restores:
            return restored(session, workflow, restores, yes=yes, is_saved=is_saved, as_json=as_json)
        if prompt:
            question = PromptQuestion(said, prompt, value or [], tick or [], agrees, yes, kept[0])
            return ask_about_prompt(session, question, as_json=as_json)
        if asks_model:
            turn = asked_model(
                session, said, workflow, selected(step or [], run, value or []), agrees=agrees, quiet=as_json
            )
            return _end_of(session, workflow, turn, tick or [], kept, as_json=as_json)
        answer = session.orchestra.copilot.without_model.answer(session.principal, said, workflow, run, step or [])
        _require_known(session, workflow, answer)
        return _end_of_rules(session, answer, tick or [], kept, as_json=as_json)


def _require_known(session: CommandSession, workflow: str, answer: AnswerWithoutModel) -> None:
    """Raise UnknownName if an answer comes from the documentation only because there is no such workflow."""
    if workflow and answer.examples:
        session.orchestra.editing.canvas(session.principal, workflow)


def _end_of_rules(
    session: CommandSession, answer: AnswerWithoutModel, ticks: list[str], kept: tuple[bool, bool], *, as_json: bool
) -> int:
    """Show an answer of the rules; `kept`: whether its proposal is accepted, and saved."""
    (is_accepted, is_saved), made = kept, answer.proposal
    if made is not None and is_accepted:
        made = _accepted(session, made, ticks, is_saved=is_saved, is_asked=at_terminal(as_json=as_json))
    if as_json:
        document({**asdict(answer), "proposal": None if made is None else asdict(made)})
    else:
        _show(answer, made)
    return FAILED if made is not None and not made.is_acceptable else DONE


def _end_of(
    session: CommandSession, workflow: str, turn: Turn, ticks: list[str], kept: tuple[bool, bool], *, as_json: bool
) -> int:
    """Show the end of a turn and its last proposal; `kept`: whether it is accepted, and saved."""
    (is_accepted, is_saved), made = kept, None
    ids = [one.proposal_id for one in turn.parts if one.kind == "proposal"]
    if ids:
        made = session.orchestra.copilot.proposals.get(session.principal, workflow, ids[-1])
        if made.is_acceptable and is_accepted:
            made = _accepted(session, made, ticks, is_saved=is_saved, is_asked=at_terminal(as_json=as_json))
    if as_json:
        document({"turn": asdict(turn), "proposal": None if made is None else asdict(made)})
        return DONE if turn.status == "done" else FAILED
    if made is not None:
        _show_proposal(made)
    show_end(turn)
    return DONE if turn.status == "done" else FAILED


def _accepted(session: CommandSession, made: Proposal, ticks: list[str], *, is_saved: bool, is_asked: bool) -> Proposal:
    """Accept a proposal; `is_asked`: somebody at a terminal is asked for each tick that is missing."""
    orchestra, p = session.orchestra, session.principal
    require_whole(made)
    if is_asked:
        ticks = [
            *ticks,
            *(one.id for one in made.ticks if one.id not in ticks and typer.confirm(f"{one.words} Agree?")),
        ]
    require_ticks(made, ticks)
    orchestra.copilot.proposals.accept(p, made.workflow, made.id, steps=None, ticks=ticks)
    if is_saved:
        save_draft(session, made.workflow)
    else:
        note(f"Your draft of {made.workflow} has it; nothing is saved yet.")
    note(f"To go back: orchestra ask --workflow {made.workflow} --restore {made.id}")
    return orchestra.copilot.proposals.get(p, made.workflow, made.id)


def _show(answer: AnswerWithoutModel, made: Proposal | None) -> None:
    from engine.copilot.fixes.of_runs import KEPT

    say(answer.text)
    run = re.match(r"Run (\S+):", answer.text)
    if run is not None and KEPT in answer.text:
        say(f"At the command line: `orchestra runs resume {run[1]}`, with `--newest` for the workflow as it is now.")
    if answer.diagram is not None:
        say(f"\n{answer.diagram.text}")
    for sample in answer.samples:
        say(f"\n  {sample.title}: {sample.description}\n  orchestra workflows new NAME --sample {sample.name}")
    for passage in answer.passages:
        place = f"docs/{passage.page}.md{f'#{passage.anchor}' if passage.anchor else ''}"
        say(f"\n  {passage.page_title}: {passage.title} ({place})\n  {passage.excerpt}")
    for fix in answer.fixes:
        say(f"  Fix: {fix.label}")
    if answer.examples:
        say("\nThe commands, with --workflow (--model asks a model instead):")
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
    if made.untouched.steps:
        one_stays = made.untouched.steps == 1
        note(f"{counted(made.untouched.steps, 'other step')} {'stays as it is' if one_stays else 'stay as they are'}.")
    if made.usage is not None:
        note(f"Made with {use_words(made.usage)}.")
    if made.status == "open":
        for one in made.ticks:
            note(f"To agree to: {one.words} (--tick {one.id})")
        note("`--accept` puts it into your draft." if made.is_acceptable else "It cannot be accepted like this.")
