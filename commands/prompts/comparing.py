"""`prompts compare`: the same values asked with several texts of a prompt, or of several models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.inputs import values
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, note, say, table
from commands.base.session import opened
from commands.prompts.options import Connection, File, Name, Pairs, RunId, Sample, StepPath
from commands.prompts.trying import schemas, waited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.prompt_tries.comparing import Comparison
    from engine.runs.prompt_tries.differing import AnswerField, TextPart
    from engine.runs.prompt_tries.records import Try

_AROUND = {"same": ("", ""), "removed": ("[-", "-]"), "added": ("{+", "+}")}
"""As `wdiff` and `git diff --word-diff` write it."""

Columns = Annotated[
    list[str],
    typer.Argument(
        metavar="COLUMN...", help="2 to 4 columns: a label, a version or draft, optionally with :MODEL and @CONNECTION."
    ),
]


def compare(
    name: Name,
    columns: Columns,
    pairs: Pairs = None,
    file: File = None,
    sample: Sample = "",
    run: RunId = "",
    step: StepPath = "",
    connection: Connection = "",
    model: Annotated[str, typer.Option(help="The model of columns that name none; default: as a step would.")] = "",
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Ask with several texts or models, and show how the answers differ. Budgets apply; nothing is written outside."""
    with opened(workspace, demo=demo) as session:
        from engine.runs.prompt_tries.columns import parsed
        from engine.runs.prompt_tries.try_requests import TryRequest

        asked = [parsed(one) for one in columns]
        typed = values(pairs or [], file, lambda: schemas(session, name))
        wanted = TryRequest(variables=typed, sample=sample, run_id=run, step=step, connection=connection, model=model)
        begun = agreed(
            lambda p: session.orchestra.comparisons.start(p, name, asked, wanted),
            session.principal,
            yes=yes,
            names=confirm,
            is_asked=at_terminal(as_json=as_json) and file != "-",
        )
        comparisons, p = session.orchestra.comparisons, session.principal
        one = waited(
            lambda: comparisons.wait(p, name, begun["id"]),
            lambda: comparisons.cancel(p, name, begun["id"]),
            "Stopped waiting for the answers. The models may still charge them.",
        )
    if as_json:
        document(one)
    else:
        _show(one)
    return DONE if one["status"] == "succeeded" else FAILED


def _show(one: Comparison) -> None:
    tries = one["tries"]
    table(
        ["", "COLUMN", "MODEL", "STATUS", "TOKENS IN", "OUT", "COST", "SECONDS"],
        [_facts(number, each) for number, each in enumerate(tries, 1)],
    )
    for number, each in enumerate(tries, 1):
        for said in _troubles(each):
            note(f"Column {number}: {said}")
    differences, answers = one["differences"], [each["answer"] for each in tries if each["answer"] is not None]
    if differences["is_same"]:
        say(f"\nAll answers are the same:\n{answers[0]['text']}")
    elif differences["fields"]:
        _show_fields(differences["fields"], len(tries))
    elif len(answers) > 1 and not differences["texts"]:
        say("\nSome answers are JSON and others are not.")
        _show_texts(tries, [])
    else:
        _show_texts(tries, differences["texts"])


def _facts(number: int, one: Try) -> list[object]:
    usage, column = one["usage"], one["column"]
    cost = "unknown" if usage["cost_usd"] is None else f"${usage['cost_usd']:.4f}"
    tokens = [f"{usage['input_tokens']:,}", f"{usage['output_tokens']:,}", cost] if one["answer"] else ["", "", ""]
    seconds = "" if one["seconds"] is None else f"{one['seconds']:.1f}"
    return [number, column["title"] if column else "", one["model"] or "no model", one["status"], *tokens, seconds]


def _troubles(one: Try) -> Sequence[str]:
    answer, error = one["answer"], one["error"]
    problems = [f"Problem: {each}" for each in answer["problems"]] if answer else []
    failed = [f"{error['message']} {error['remedy'] or ''}".strip()] if error else []
    return [*problems, *failed, *one["notes"]]


def _show_fields(fields: Sequence[AnswerField], count: int) -> None:
    from engine.runs.prompt_tries.differing import field_changes

    differing = [one for one in fields if not one["is_same"]]
    say()
    numbers = [str(number) for number in range(1, count + 1)]
    table(["FIELD", *numbers], [[one["field"] or "answer", *_cells(one)] for one in differing])
    say(f"{len(fields) - len(differing)} of {len(fields)} fields are the same.")
    for one in differing:
        for number, parts in enumerate(field_changes(one), 1):
            if parts:
                say(f"\n--- {one['field'] or 'answer'} of column {number}, compared with the first\n{_marked(parts)}")


def _cells(field: AnswerField) -> Sequence[str]:
    from engine.record.differences import ABSENT, shown

    numbered: Any = enumerate(field["values"], 1)
    return [shown(ABSENT if number in field["missing"] else value) for number, value in numbered]


def _show_texts(tries: Sequence[Try], texts: Sequence[Sequence[TextPart]]) -> None:
    for number, answer in enumerate((one["answer"] for one in tries), 1):
        if answer is None:
            continue
        parts = texts[number - 1] if texts else []
        say(f"\n--- answer of column {number}{', compared with the first answer' if parts else ''}")
        say(_marked(parts) or answer["text"])


def _marked(parts: Sequence[TextPart]) -> str:
    return "".join(one["text"].join(_AROUND[one["change"]]) for one in parts)
