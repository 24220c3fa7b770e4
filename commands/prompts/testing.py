"""`prompts test, cases, save-case, delete-case`: the cases of prompts, and whether their answers are as expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.wording import counted
from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.output_file import write_output
from commands.base.screen import document, note, say, table
from commands.base.session import CommandSession, looked_at, opened
from commands.prompts.options import Connection, Fresh, Junit, Model, Name, Offline
from commands.prompts.trying import usage_words, waited

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

    from engine.prompts.takeover import TakeoverRequest
    from engine.runs.prompt_tries.matrix import Matrix, MatrixRequest
    from engine.runs.prompt_tries.reports import TestedText

References = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME[@LABEL]]...", help="Default: the draft of every prompt that has cases."),
]
Against = Annotated[
    str, typer.Option(metavar="LABEL", help="Fail only for cases that pass with this label or version.")
]
Takeover = Annotated[
    bool, typer.Option("--takeover", help="Test with 40 mails that try to take over the model, instead of cases.")
]
Variable = Annotated[
    str,
    typer.Option(
        metavar="PATH", help="With --takeover: the variable that gets a mail's text, such as commits.0.message."
    ),
]
Expected = Annotated[
    list[str] | None,
    typer.Option(metavar="FIELD=VALUE", help="With --takeover: what each answer must say; may be repeated."),
]
Case = Annotated[str, typer.Argument(metavar="CASE", help="The case.")]


def run_tests(
    references: References = None,
    against: Against = "",
    connection: Connection = "",
    model: Model = "",
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
    """Test prompts with their cases: exit code 1 if an answer is not as expected."""
    from engine.runs.prompt_tries.matrix import MatrixRequest
    from engine.runs.prompt_tries.reports import columns_of, report_of

    mails = takeover_wish(references or [], variable, expect or [], is_wanted=takeover)
    matrices: list[Matrix] = []
    with opened(workspace, demo=demo) as session:
        for reference in references or _with_cases(session):
            name, _, version = reference.partition("@")
            columns = columns_of(version, None, against, connection, model)
            wanted = MatrixRequest(columns, is_offline=offline, is_fresh=fresh, takeover=mails)
            tested = answered(session, name, wanted, yes=yes, confirm=confirm, is_asked=at_terminal(as_json=as_json))
            matrices.append(tested)
            if not as_json:
                _show(tested)
    if junit is not None:
        write_output(junit, junit_text(matrices), is_forced=True)
    if as_json:
        shown = [report_of(one) for one in matrices]
        document(shown[0] if references is not None and len(references) == 1 else {"tests": shown})
    elif not matrices:
        say("No prompt has cases yet. `orchestra prompts save-case` saves one.")
    return DONE if all(one["status"] == "succeeded" for one in matrices) else FAILED


def takeover_wish(
    references: Sequence[str], variable: str, expect: Sequence[str], *, is_wanted: bool
) -> TakeoverRequest | None:
    """Return how takeover mails go into the prompts, None if they are not wanted."""
    from engine.prompts.takeover import TakeoverRequest, expectations

    if not is_wanted:
        if variable or expect:
            raise typer.BadParameter("--variable and --expect go with --takeover.")
        return None
    if not references:
        raise typer.BadParameter("Name the prompts to test with --takeover.")
    return TakeoverRequest(variable, expectations(expect))


def _with_cases(session: CommandSession) -> Sequence[str]:
    orchestra, p = session.orchestra, session.principal
    return [one.name for one in orchestra.prompts.list(p) if orchestra.cases.list(p, one.name)]


def answered(
    session: CommandSession, name: str, wanted: MatrixRequest, *, yes: bool, confirm: list[str] | None, is_asked: bool
) -> Matrix:
    """Test the cases of a prompt, and return what came of it; at Ctrl-C, stop."""
    area, p = session.orchestra.case_tests, session.principal
    begun = agreed(lambda who: area.start(who, name, wanted), p, yes=yes, names=confirm, is_asked=is_asked)
    return waited(
        lambda: area.wait(p, name, test_id=begun["id"]),
        lambda: area.cancel(p, name, begun["id"]),
        f"The test {begun['id']} is stopped. The answers that have come are recorded: they cost nothing again.",
    )


def _show(matrix: Matrix) -> None:
    from engine.runs.prompt_tries.reports import report_of

    report = report_of(matrix)
    which = "the draft" if report["version"] is None else f"version {report['version']}"
    unsure = f", unsure in {report['unsure']}" if report["unsure"] else ""
    say(f"{report['prompt']}, {which}: {report['passed']} of {counted(report['cases'], 'case')} passed{unsure}.")
    for one in report["failed"]:
        say(f"  {one['case']}: {one['assertion']}: {one['message']}")
    for opinion in (one for one in report["opinions"] if one["passed"]):
        say(f"  {opinion['case']}: judge: {opinion['words']}")
    if report["against"] is not None:
        before, compared = report["against"], matrix["columns"][1]
        say(f"  Version {before['version']}: {before['passed']} of {before['cases']} passed.")
        say(f"  Worse than before: {', '.join(report['regressions']) or 'nothing'}.")
        say(f"  {len(compared['different'])} of {compared['compared']} answered differently.")
    say(f"  {usage_line(matrix)}")


def usage_line(matrix: Matrix) -> str:
    """Return what was asked for a test, and what that cost."""
    used = ", ".join(usage_words(matrix["usage"]))
    return f"Asked {matrix['asked']}, recorded answers {matrix['reused']}: {used}."


def junit_text(matrices: Sequence[Matrix]) -> str:
    """Return tests as JUnit XML: a suite for each column but the baseline."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    from engine.runs.prompt_tries.reports import of_column, unanswered

    suites = Element("testsuites")
    for matrix in matrices:
        columns = matrix["columns"][1:] or matrix["columns"]
        for column in columns:
            report = of_column(matrix, column)
            title = matrix["prompt"] if len(columns) == 1 else f"{matrix['prompt']}: {column['title']}"
            many, wrong = str(report["cases"]), str(len({one["case"] for one in report["failed"]}))
            missing = unanswered(matrix, column)
            errors = str(len(missing))
            suite = SubElement(suites, "testsuite", name=title, tests=many, failures=wrong, errors=errors)
            _junit_cases(suite, matrix, report, missing)
    indent(suites)
    return tostring(suites, "unicode", xml_declaration=True) + "\n"


def _junit_cases(suite: Element, matrix: Matrix, report: TestedText, missing: Sequence[str]) -> None:
    from xml.etree.ElementTree import SubElement

    for case in (one["case"] for one in matrix["cases"]):
        place = SubElement(suite, "testcase", classname=f"prompts.{matrix['prompt']}", name=case)
        for one in (one for one in report["failed"] if one["case"] == case):
            SubElement(place, "failure", type=one["assertion"], message=printable(one["message"]))
        favourable = [one["words"] for one in report["opinions"] if one["case"] == case and one["passed"]]
        if favourable:
            SubElement(place, "system-out").text = printable(" ".join(favourable))
        if case in missing:
            said = f"There is no answer: the test is {matrix['status']}."
            SubElement(place, "error", type="answer", message=said)


def printable(text: str) -> str:
    """Return a text without what XML cannot contain."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def cases(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the cases of a prompt."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.cases.list(session.principal, name)
    if as_json:
        document({"cases": found})
    else:
        rows = [[one.case, _types(one.document), one.problems[0] if one.problems else "", one.title] for one in found]
        table(["CASE", "ASSERTIONS", "PROBLEM", "NAME"], rows)
    return DONE


def _types(case: Mapping[str, Any] | None) -> str:
    assertions = (case or {}).get("assertions")
    listed = assertions if isinstance(assertions, list) else []
    return ", ".join(str(one.get("type")) for one in listed if isinstance(one, dict))


def save_case(
    name: Name,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The name of the case.")],
    try_id: Annotated[str, typer.Option("--try", metavar="ID", help="Take the values and answer of this try.")] = "",
    run: Annotated[str, typer.Option(metavar="ID", help="With --step: take the variables of a step of this run.")] = "",
    step: Annotated[str, typer.Option(metavar="PATH", help="The step, such as each_mail[3].classify.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Save a try or a step of a run as a case; its file can be edited afterwards."""
    if bool(try_id) == bool(run) or bool(run) != bool(step):
        raise typer.BadParameter("Give either --try, or --run and --step.")
    with opened(workspace, demo=demo) as session:
        tries, p = session.orchestra.tries, session.principal
        found = tries.case_of(p, name, try_id, title) if try_id else tries.case_of_step(p, name, run, step, title)
        saved = session.orchestra.cases.add(p, name, found)
    if as_json:
        document(saved)
        return DONE
    say(f"prompts/{name}.cases/{saved.case}.json is created.")
    if not found["assertions"]:
        note("It has no assertions yet: it only expects an answer that fits the schema of the prompt.")
    return DONE


def delete_case(name: Name, case: Case, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Delete a case."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.cases.delete(session.principal, name, case)
    if as_json:
        document({"prompt": name, "case": case})
    else:
        say(f"The case {case!r} of {name} is deleted.")
    return DONE
