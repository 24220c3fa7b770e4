"""`runs correct`: say what a mail really is, so that what followed from the wrong answer is undone and done again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.inputs import by_name
from commands.base.options import Demo, Json, Workspace
from commands.base.run_progress import follow, report
from commands.base.screen import document, note, say
from commands.base.session import opened
from commands.runs.options import RunId, require_demo

if TYPE_CHECKING:
    from commands.base.session import CommandSession
    from engine.people.access import Principal
    from engine.runs.correcting.choices import Choice
    from engine.runs.correcting.corrections import Correction, CorrectionPreview
    from engine.runs.correcting.lesson import SavedCase
    from engine.runs.undo.undo_report import UndoReport


def correct(
    run_id: RunId,
    step: Annotated[
        str, typer.Argument(metavar="STEP", help="The step that asked the model, such as each_mail[3].classify.")
    ],
    pairs: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="The right value; may be repeated.")
    ] = None,
    leave: Annotated[
        bool, typer.Option("--leave", help="Go on, even if a write cannot be undone now; it stays as it is.")
    ] = False,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Correct a model's answer: undo what followed from it, and do the item again. Without --yes, only show it."""
    with opened(workspace, demo=demo) as session:
        corrections, p = session.orchestra.corrections, session.principal
        if demo:
            require_demo(session.orchestra.runs.get(p, run_id))
        seen = corrections.preview(p, run_id, step)
        values = _values(by_name(pairs or [], "a value"), seen.choices)
        if values:
            seen = corrections.preview(p, run_id, step, values)
        is_asked = at_terminal(as_json=as_json)
        if not values or not (yes or is_asked):
            return _looked(seen, as_json=as_json)
        if not yes and not _is_agreed(seen):
            note("Nothing was changed.")
            return FAILED
        if seen.corrected_by:
            note(f"It was corrected before, by run {seen.corrected_by}: that run goes on if it was interrupted.")

        def act(p: Principal) -> Correction:
            return corrections.correct(p, run_id, step, values, leave=leave)

        return _followed(session, agreed(act, p, yes=yes, names=confirm, is_asked=is_asked), as_json=as_json)


def _followed(session: CommandSession, done: Correction, *, as_json: bool) -> int:
    """Follow the new run, and tell what the correction did."""
    run, code = follow(session, done.run_id, quiet=as_json)
    if as_json:
        document({**asdict(done), "run": run})
    else:
        _report_undo(done.undo)
        _report_case(done.case)
        report(session, run)
    return code


def _values(texts: Mapping[str, str], choices: Sequence[Choice]) -> dict[str, Any]:
    """Return the values as the schema has them; a text that is not a choice is refused by the engine."""
    known = {choice.field: {_text(one): one for one in choice.choices} for choice in choices}
    return {name: known.get(name, {}).get(text, text) for name, text in texts.items()}


def _text(value: Any) -> str:
    from engine.expressions.json_values import compact_json

    return value if isinstance(value, str) else compact_json(value)


def _looked(seen: CorrectionPreview, *, as_json: bool) -> int:
    if as_json:
        document(asdict(seen))
    else:
        _show(seen)
        note("Nothing was changed. " + ("Add `--yes` to correct it." if seen.values else "Add `--set FIELD=VALUE`."))
    return DONE


def _is_agreed(seen: CorrectionPreview) -> bool:
    _show(seen)
    return typer.confirm("Correct it?")


def _show(seen: CorrectionPreview) -> None:
    from engine.expressions.json_values import compact_json

    for one in seen.choices:
        say(f"{one.field}: {compact_json(one.value)}, one of {', '.join(map(compact_json, one.choices))}")
    if seen.corrected_by:
        say(f"It was corrected before: see run {seen.corrected_by}.")
        return
    for done in seen.undo.undone:
        say(f"  undo     {_name(done.path, done.uses, done.url)}: {done.note}")
    for kept in (*seen.undo.cannot, *seen.undo.left, *seen.stays):
        say(f"  stays    {_name(kept.path, kept.uses, kept.url)}: {kept.reason}")
    for step in seen.again:
        say(f"  {step.verdict:<14}  {_name(step.path, step.uses, '')}")
    if seen.values:
        say("  " + (seen.case.why_not or _case_words(seen.case)))


def _report_undo(undo: UndoReport) -> None:
    for line in undo.undone:
        say(f"  undone   {_name(line.path, line.uses, line.url)}")
    for kept in (*undo.refused, *undo.cannot):
        note(f"  not undone: {_name(kept.path, kept.uses, kept.url)}: {kept.reason}")


def _report_case(case: SavedCase) -> None:
    if case.why_not:
        note(f"  no case saved: {case.why_not}")
    else:
        say(f"  case     {case.prompt}: {case.case}")


def _case_words(case: SavedCase) -> str:
    what = f"changes the case {case.case} of" if case.case else "saves a case of"
    return f"{what} the prompt {case.prompt}"


def _name(path: str, uses: str, url: str) -> str:
    return "  ".join(filter(None, [f"{path} ({uses})", url]))
