"""`prompts try, tries, calls`: ask a model with a prompt, and what was asked before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from msgspec.structs import replace

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE, FAILED, Terminated
from commands.base.inputs import values
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, note, say, say_marked, table
from commands.base.session import CommandSession, looked_at, opened
from commands.prompts.options import Connection, File, Model, Name, Pairs, Reference, RunId, Sample, StepPath

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.record.types.step import UsageRecord
    from engine.runs.prompt_tries.records import Try

Result = TypeVar("Result")


def try_(
    reference: Reference,
    draft: Annotated[bool, typer.Option("--draft", help="Try the draft, which need not be a version.")] = False,
    pairs: Pairs = None,
    file: File = None,
    sample: Sample = "",
    run: RunId = "",
    step: StepPath = "",
    connection: Connection = "",
    model: Model = "",
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Ask a model with a prompt and show the answer. Budgets apply; nothing is written outside."""
    name, sign, version = reference.partition("@")
    if draft and sign:
        raise typer.BadParameter("Give either a label or version, or --draft.")
    with opened(workspace, demo=demo) as session:
        from engine.runs.prompt_tries.try_requests import TryRequest

        typed = values(pairs or [], file, lambda: schemas(session, name))
        given = TryRequest(variables=typed, sample=sample, run_id=run, step=step, connection=connection, model=model)
        wanted = replace(given, version=version or "production", is_draft=draft)
        begun = agreed(
            lambda p: session.orchestra.tries.start(p, name, wanted),
            session.principal,
            yes=yes,
            names=confirm,
            is_asked=at_terminal(as_json=as_json) and file != "-",
        )
        tries, p = session.orchestra.tries, session.principal
        one = waited(
            lambda: tries.wait(p, name, begun["id"]),
            lambda: tries.cancel(p, name, begun["id"]),
            f"Stopped waiting for the answer to the try {begun['id']}. The model may still charge it.",
        )
    if as_json:
        document(one)
    else:
        _show(one)
    return DONE if one["answer"] is not None and not one["answer"]["problems"] else FAILED


def waited(wait: Callable[[], Result], stop: Callable[[], object], said: str) -> Result:
    """Return what has been waited for; at Ctrl-C, stop it and say so."""
    try:
        return wait()
    except Terminated:
        stop()
        note(said)
        raise


def schemas(session: CommandSession, name: str) -> dict[str, Any]:
    """Return the schemas of the variables as the draft has them."""
    schemas = (session.orchestra.prompts.get(session.principal, name).document or {}).get("variables")
    return schemas if isinstance(schemas, dict) else {}


def _show(one: Try) -> None:
    for message in one["messages"]:
        say(f"--- {message['role']} (about {message['tokens']:,} tokens)")
        say_marked([(part["text"], part["variable"] is not None) for part in message["parts"]])
    answer, error = one["answer"], one["error"]
    if answer is not None:
        say(f"--- answer of {one['model']}")
        say(answer["text"])
        for problem in answer["problems"]:
            note(f"Problem: {problem}")
    if error is not None:
        note(f"{error['message']} {error['remedy'] or ''}".strip())
    for remark in one["notes"]:
        note(remark)
    say(f"--- {' · '.join(_facts(one))}")


def _facts(one: Try) -> list[str]:
    whose = f" ({one['account']})" if one["account"] else ""
    used = usage_words(one["usage"]) if one["answer"] else []
    seconds = [] if one["seconds"] is None else [f"{one['seconds']:.1f} s"]
    return [f"{one['model'] or 'no model'}, connection {one['connection']}{whose}", *used, *seconds, f"try {one['id']}"]


def usage_words(usage: UsageRecord) -> list[str]:
    """Return the tokens and the cost."""
    cost = "cost unknown" if usage["cost_usd"] is None else f"${usage['cost_usd']:.4f}"
    return [f"{usage['input_tokens']:,} tokens in, {usage['output_tokens']:,} out", cost]


def tries(
    name: Name,
    which: Annotated[str, typer.Option("--id", metavar="ID", help="Show this try in full.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the last 20 tries of a prompt, or show one of them."""
    with looked_at(workspace, demo=demo) as session:
        area, zone = session.orchestra.tries, session.orchestra.config.time_zone
        session.orchestra.prompts.get(session.principal, name)
        found = [area.get(session.principal, name, which)] if which else area.list(session.principal, name)
    if as_json:
        document(found[0] if which else {"tries": found})
    elif which:
        _show(found[0])
    else:
        rows = [
            [one["id"], local_time(one["started_at"], zone), one["version"] or "draft", one["model"], one["status"]]
            for one in found
        ]
        table(["TRY", "STARTED", "VERSION", "MODEL", "STATUS"], rows)
    return DONE


def calls(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the last 25 steps of runs that used a prompt; `prompts try --run ID --step PATH` takes their values."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.tries.calls(session.principal, name)
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"calls": found})
    else:
        rows = [[one.run_id, one.step, local_time(one.at, zone), one.status, one.title] for one in found]
        table(["RUN", "STEP", "STARTED", "STATUS", "ABOUT"], rows)
    return DONE
