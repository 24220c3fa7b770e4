"""`prompts matrix, tests`: the cases of a prompt with several texts and models, and what was tested before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.base.agreeing import Confirm, Yes, at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.output_file import write_output
from commands.base.screen import document, local_time, say, table
from commands.base.session import looked_at, opened
from commands.prompts.options import Fresh, Junit, Name, Offline
from commands.prompts.testing import Expected, Takeover, Variable, answered, junit_text, takeover_wish, usage_line

if TYPE_CHECKING:
    from engine.runs.prompt_tries.matrix import Matrix

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="LABEL_OR_NUMBER_OR_draft[:MODEL][@CONNECTION]",
        help="A text and a model; may be repeated. The first is the baseline. Default: draft.",
    ),
]
Only = Annotated[
    Literal["failed", "changed", "different"] | None,
    typer.Option(
        "--only",
        help="Show only cases that fail, that pass in one column and fail in the first, or that are answered "
        "differently from the first.",
    ),
]


def matrix(
    name: Name,
    columns: Columns = None,
    against: Annotated[
        str, typer.Option(metavar="COLUMN", help="The baseline, written like a column: it comes first.")
    ] = "",
    repeat: Annotated[int, typer.Option(metavar="N", help="Ask each question N times, 1 to 10.")] = 1,
    concurrency: Annotated[int, typer.Option(metavar="N", help="Ask N questions at the same time, 1 to 32.")] = 4,
    only: Only = None,
    offline: Offline = False,
    fresh: Fresh = False,
    takeover: Takeover = False,
    variable: Variable = "",
    expect: Expected = None,
    junit: Junit = None,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Answer the cases of a prompt with several texts and models: exit code 1 if one is worse than the first."""
    from engine.runs.prompt_tries.columns import parsed
    from engine.runs.prompt_tries.matrix import MatrixRequest

    written = [*([against] if against else []), *(columns or ["draft"])]
    wanted = MatrixRequest(
        [parsed(one) for one in written],
        repeat,
        concurrency,
        is_offline=offline,
        is_fresh=fresh,
        takeover=takeover_wish([name], variable, expect or [], is_wanted=takeover),
    )
    with opened(workspace, demo=demo) as session:
        found = answered(session, name, wanted, yes=yes, confirm=confirm, is_asked=at_terminal(as_json=as_json))
    if junit is not None:
        write_output(junit, junit_text([found]), is_forced=True)
    _show(found, only, as_json=as_json)
    return DONE if found["status"] == "succeeded" else FAILED


def _show(found: Matrix, only: str | None, *, as_json: bool) -> None:
    from engine.prompts.assertions import is_favourable, opinion_words
    from engine.runs.prompt_tries import matrix as matrices

    cases = matrices.shown(found, matrices.MatrixFilter(only) if only else None)
    if as_json:
        document({**found, "order": cases})
        return
    columns = found["columns"]
    rows = [[case, *(matrices.mark(found, number, case) for number in range(len(columns)))] for case in cases]
    if rows:
        table(["CASE", *(one["title"] for one in columns)], rows)
    elif only:
        say(f"No case is {only}.")
    else:
        say("The prompt has no cases yet. `orchestra prompts save-case` saves one.")
    for one in columns:
        say(f"{one['title']}, {one['model'] or 'no model'}: {one['summary']}")
    for one in columns[1:] or columns:
        for case in (case for case in one["regressions"] if case in cases):
            said = "; ".join(fault["message"] for answer in one["cells"][case] for fault in answer["failures"])
            say(f"  {one['title']}, {case}: {said}")
    for one in columns:
        for case in cases:
            for opinion in filter(is_favourable, matrices.opinions_of(one["cells"].get(case, []))):
                say(f"  {one['title']}, {case}: {opinion_words(opinion)}")
    say(usage_line(found))
    say(f"Test {found['id']}: {found['status']}.")


def kept(
    name: Name,
    which: Annotated[str, typer.Option("--id", metavar="ID", help="Show this test in full.")] = "",
    only: Only = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the last 10 tests of a prompt, or show one of them."""
    with looked_at(workspace, demo=demo) as session:
        area, p, zone = session.orchestra.case_tests, session.principal, session.orchestra.config.time_zone
        session.orchestra.prompts.get(p, name)
        if which:
            _show(area.get(p, name, which), only, as_json=as_json)
            return DONE
        found = area.list(p, name)
    if as_json:
        document({"tests": found})
    else:
        rows = [
            [one.id, local_time(one.started_at, zone), one.status, one.cases, one.repeat, ", ".join(one.columns)]
            for one in found
        ]
        table(["TEST", "STARTED", "STATUS", "CASES", "REPEAT", "COLUMNS"], rows)
    return DONE
