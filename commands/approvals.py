"""`approvals`: questions that runs ask a person, and the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from commands.base.failures import DONE, FAILED
from commands.base.inputs import by_name, object_in
from commands.base.options import Demo, Json, Workspace
from commands.base.run_progress import follow, report
from commands.base.screen import document, note, revealed, say, table
from commands.base.session import CommandSession, looked_at, opened
from engine.base.statuses import ACTIVE_RUNS, RunStatus, StepStatus

if TYPE_CHECKING:
    from engine.record.types.approval import AskedCall
    from engine.record.types.run import Run
    from engine.runs.approvals import Approval, Decided, Decision

group = typer.Typer(help="Questions that runs ask people.", no_args_is_help=True, rich_markup_mode=None)

_MOMENT_SECONDS, _LOOK_SECONDS = 4.0, 0.2

State = Literal["open", "scheduled", "approved", "rejected", "expired", "withdrawn", "any"]
Id = Annotated[str, typer.Argument(metavar="ID", help="The id of the question.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="The ids of one or more questions.")]
Reason = Annotated[str, typer.Option("--reason", "--comment", help="A reason or comment to add to the answer.")]
Edit = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Approve with the arguments in this JSON file instead; `-`: standard input."),
]


Give = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=AMOUNT", help="Give an agent more, such as turns=5; may be repeated."),
]
WithGaps = Annotated[bool, typer.Option("--with-gaps", help="Approve texts with gaps, such as `[your answer]`, too.")]


@group.command("list")
def list_(
    state: Annotated[State, typer.Option(help="Only questions in this state.")] = "open",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List questions, newest first; `--state scheduled`: mails that go out by themselves unless somebody stops them."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.approvals.list(session.principal, None if state == "any" else state)
    if as_json:
        document({"approvals": found})
    elif found:
        table(["ID", "STATE", "WORKFLOW", "RUN", "QUESTION"], [_row(one) for one in found])
    else:
        say("No questions.")
    return DONE


def _row(one: Approval) -> list[str]:
    from engine.runs.approval_titles import title_of

    state = one.state if one.edited is None else f"{one.state}, edited"
    if one.state == "scheduled":
        state = f"goes out {one.expires_at}"
    return [one.id, state, one.workflow, one.run_id, title_of(one)]


@group.command()
def show(
    question: Id,
    files: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the files and large texts of the call to this folder.")
    ] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show a question: the call exactly as it will be made, what in it comes from outside, and the cost so far."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.approvals.get(session.principal, question)
        kept = _files(session, found, files)
    if as_json:
        document(found)
        return DONE
    for line in _lines(found):
        say(revealed(line))
    for line in kept:
        say(line)
    return DONE


def _lines(found: Approval) -> Iterator[str]:
    yield found.message
    yield from (f"  {name + ':':<11} {value}" for name, value in _facts(found))
    if found.call is not None and found.edited is not None:
        yield json.dumps(found.edited, ensure_ascii=False, indent=2)
        yield f"These arguments were edited by {found.answered_by}. What the edit has changed:"
        yield from (f"  {line}" for line in found.difference.splitlines())
        yield "The call as it was asked:"
    if found.call is not None:
        yield from _call(found.call)
    elif found.details is not None:
        yield json.dumps(found.details, ensure_ascii=False, indent=2)


def _files(session: CommandSession, found: Approval, folder: Path | None) -> Sequence[str]:
    """Save the files and large texts of a call, if a folder is given; return what to say of them."""
    from engine.files.atomic import PRIVATE_FILE, PRIVATE_FOLDER, make_folder, write_whole

    if found.call is None:
        return []
    runs, said = session.orchestra.runs, []
    for digest, file in runs.files(session.principal, found.run_id, found.call.arguments).items():
        place = f"`orchestra approvals show {found.id} --files DIR` saves it"
        if folder is not None:
            path = folder / digest[:16]
            make_folder(folder, PRIVATE_FOLDER)
            write_whole(path, runs.file(session.principal, found.run_id, digest).content, PRIVATE_FILE)
            place = f"saved as {path}"
        said.append(f"  {file.name}, {file.bytes:,} bytes: {place}")
    return said


def _call(call: AskedCall) -> Iterator[str]:
    """Yield the call as it will be made, and what it does to what."""
    from engine.record.plans.previews import shown

    yield json.dumps(call.arguments, ensure_ascii=False, indent=2)
    if call.preview is not None:
        yield f"What it does: {call.preview.title}"
        yield from (f"  {line}" for line in shown(call.preview).splitlines())
        if call.preview.url:
            yield f"It is at {call.preview.url}"
    yield from call.notes
    if call.unreadable:
        yield f"What it is about could not be read: {call.unreadable}"
    if call.again:
        yield "It was approved before, and asks again:"
        yield from (f"  {line}" for line in call.again.splitlines())


def _facts(one: Approval) -> Sequence[tuple[str, str]]:
    from engine.runs.approvals import named
    from engine.runs.asked_letter import from_answered_mail

    facts = [("state", one.state), ("run", f"{one.run_id}, step {one.path}"), ("asked", one.asked_at)]
    if one.expires_at is not None:
        facts.append(("goes out" if one.is_scheduled else "expires", one.expires_at))
    if one.answered_by:
        how = ", edited" if one.edited is not None else ""
        facts.append(("answered", f"{one.state} by {one.answered_by} at {one.answered_at}{how}"))
    if one.give:
        amounts = {**one.give, **(one.edited or {})}
        facts.append(("gives", ", ".join(f"{name}={amount:g}" for name, amount in amounts.items())))
    if one.by:
        facts.append(("waits for", named(one.by)))
    if one.call is not None:
        account = one.call.account_name or one.call.account or "no account"
        if one.gaps:
            facts.append(("gaps", f"not finished, still to fill in: {', '.join(one.gaps)}"))
        facts.append(("call", f"{one.call.uses} as {account}"))
        facts += [("outside", f"{name}: {origin}") for name, origin in one.call.outside.items()]
        facts += [("outside", f"{name}: the mail that is answered") for name in from_answered_mail(one.call)]
        cost = one.call.cost_usd
        facts.append(("cost so far", "not known" if cost is None else f"{cost:.4f} USD"))
        facts.append(("hash", one.hash))
    return facts


@group.command()
def approve(
    questions: Ids,
    reason: Reason = "",
    edit: Edit = None,
    give: Give = None,
    with_gaps: WithGaps = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Approve steps; their runs continue, and a scheduled mail goes out now. A comment answers an agent's question."""
    from engine.runs.approvals import Decision

    if edit is not None and give:
        raise typer.BadParameter("Give either --edit or --give.")
    arguments = _given(give) if give else None if edit is None else _arguments(questions, edit)
    decisions = [
        Decision(one, approve=True, reason=reason, arguments=arguments, with_gaps=with_gaps) for one in questions
    ]
    with opened(workspace, demo=demo) as session:
        return _answer(session, decisions, as_json=as_json)


@group.command()
def reject(
    questions: Ids, reason: Reason = "", demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """Reject steps; the steps that asked fail. A scheduled mail is stopped: it never goes out."""
    from engine.runs.approvals import Decision

    with opened(workspace, demo=demo) as session:
        return _answer(session, [Decision(one, approve=False, reason=reason) for one in questions], as_json=as_json)


def _arguments(questions: Sequence[str], edit: Path) -> dict[str, Any]:
    """Return the edited arguments of one question. Raises InvalidInput."""
    from engine.base.errors import InvalidInput

    if len(questions) > 1:
        raise InvalidInput("--edit takes exactly one question.", remedy="Approve the others in a second command.")
    remedy = "Write all fields of the call as a JSON object, as `orchestra approvals show ID` shows them."
    return object_in(str(edit), remedy)


def _given(pairs: Sequence[str]) -> dict[str, Any]:
    """Return the amounts of `name=amount` pairs. Raises InvalidInput."""
    from engine.documents.json_file import typed_value

    return {name: typed_value(text, f"--give {name}") for name, text in by_name(pairs, "an amount").items()}


def _answer(session: CommandSession, decisions: Sequence[Decision], *, as_json: bool) -> int:
    """Answer, then report the answers and what happens to the runs: they go on here, or in the process that owns them.

    Raises why a single answer was refused.
    """
    found = session.orchestra.approvals.decide(session.principal, decisions)
    if len(found) == 1 and found[0].error is not None:
        raise found[0].error
    answered = [one.approval for one in found if one.approval is not None]
    ids = {one.id for one in answered}
    runs = [_followed(session, run_id, ids) for run_id in dict.fromkeys(one.run_id for one in answered)]
    if as_json:
        one = {"approval": answered[0], "run": runs[0]} if len(found) == 1 else None
        document(one or {"answers": [_told(each) for each in found], "runs": runs})
    else:
        _say(session, found, runs)
    return DONE if len(answered) == len(found) else FAILED


def _told(one: Decided) -> dict[str, Any]:
    error = one.error
    told = None if error is None else {"type": type(error).__name__, "message": error.message, "remedy": error.remedy}
    return {"id": one.id, "approval": one.approval, "error": told}


def _say(session: CommandSession, found: Sequence[Decided], runs: Sequence[Run]) -> None:
    from engine.runs.approval_titles import title_of

    for one in found:
        if one.approval is not None:
            say(f"{one.approval.state.capitalize()}: {title_of(one.approval)}")
        elif one.error is not None:
            note(f"{one.id}: {one.error.message} {one.error.remedy}".rstrip())
    answered = {one.id for one in found if one.approval is not None}
    for run in runs:
        if run["status"] in ACTIVE_RUNS or _waits_for(run, answered):
            say(f"The run goes on in the server: `orchestra runs show {run['run_id']}` shows how far it is.")
        else:
            report(session, run)


def _waits_for(run: Run, questions: AbstractSet[str]) -> bool:
    """Return whether a run has not yet noticed that these questions are answered."""
    return any(step["status"] == StepStatus.WAITING and step.get("approval") in questions for step in run["steps"])


def _followed(session: CommandSession, run_id: str, answered: AbstractSet[str]) -> Run:
    """Return a run once it has ended or waits again; if it was called by another one, that one.

    A run of another process is given a moment to go on.
    """
    until = time.monotonic() + _MOMENT_SECONDS
    run, _ = follow(session, run_id, quiet=True)
    while (run["status"] in ACTIVE_RUNS or _waits_for(run, answered)) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        run, _ = follow(session, run_id, quiet=True)
    at_work = (RunStatus.WAITING, RunStatus.RUNNING)
    while run["parent_run_id"] and run["status"] not in at_work:  # the run that called it goes on, too
        run, _ = follow(session, run["parent_run_id"], quiet=True)
    return run
