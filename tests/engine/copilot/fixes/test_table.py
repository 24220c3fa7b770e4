"""Every rule mends what it says, and nothing is offered that does not."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.checkout import CHECKOUT
from engine.base.errors import InvalidInput, NotAllowed, UnknownName
from engine.base.problem import Problem
from engine.copilot.fixes.finding import MOST, SECONDS, Finding, Tried, shortened
from engine.copilot.fixes.seen import FixContext
from engine.copilot.fixes.table import RULES, UNCOVERED
from engine.documents.json_file import parse
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.compiler.test_compiler import AROUND
from tests.engine.copilot.fixes.cases import CASES, MAILS, Case, each_mail, issue, set_
from tests.workspaces import init

OWNER, VIEWER = Principal("owner", "owner"), Principal("viewer", "viewer")
CALLED = {
    "schema_version": 1,
    "inputs": {"type": "object", "properties": {"text": {"type": "string"}}},
    "steps": [{"id": "a", "uses": "flow.assert", "with": {"condition": "{{ inputs.text != '' }}", "message": "no"}}],
}
NAME = "broken"


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    folder = tmp_path_factory.mktemp("fixes") / "workspace"
    init(folder)
    (folder / "workflows" / "called.json").write_text(json.dumps(CALLED))
    opened = Orchestra.open(folder, demo=True)
    yield opened
    opened.close()


@pytest.fixture
def write(orchestra: Orchestra) -> Iterator[Any]:
    """Writes the file; the person's draft of it is discarded."""
    file = orchestra.workspace.root / "workflows" / f"{NAME}.json"

    def written(document: dict[str, Any] | str) -> list[Problem]:
        text = document if isinstance(document, str) else json.dumps(document, indent=2)
        file.write_text(text)
        return orchestra.editing.canvas(OWNER, NAME).problems

    yield written
    orchestra.editing.discard(OWNER, NAME)
    file.unlink(missing_ok=True)


def _after(orchestra: Orchestra, ops: list[Any]) -> str:
    return orchestra.editing.applied_to(NAME, orchestra.editing.draft_text(OWNER, NAME).text, ops).text


def broken(case: Case) -> dict[str, Any]:
    return {key: value for key, value in case.document.items() if value is not None}


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.code}: {one.name}")
def test_a_broken_text_compiles_after_its_fix(orchestra: Orchestra, write: Any, case: Case) -> None:
    problems = write(broken(case))
    assert case.code in [one.code for one in problems], problems
    found = [one for one in orchestra.copilot.fixes.list(OWNER, NAME) if one.code == case.code]
    assert [(one.label, one.ops) for one in found][:1] != [], problems
    [fix] = [one for one in found if case.label in one.label] or found[:1]
    assert case.label in fix.label
    assert fix.ops == case.ops
    assert problems[fix.problem].code == fix.code
    assert (problems[fix.problem].step or "") == fix.step
    base = orchestra.editing.canvas(OWNER, NAME)
    orchestra.editing.apply(OWNER, NAME, base.rev, fix.ops)
    after = orchestra.editing.canvas(OWNER, NAME).problems
    assert case.code not in [one.code for one in after], after
    assert [one for one in after if one.severity == "error"] == []


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.code}: {one.name}")
def test_what_is_certain_is_mended_at_once_and_the_rest_is_left_to_a_person(
    orchestra: Orchestra, write: Any, case: Case
) -> None:
    write(broken(case))
    made = orchestra.copilot.fixes.propose(OWNER, NAME)
    assert ([] if made is None else made.ops) == (case.ops if case.is_certain else [])


def test_every_rule_has_a_case_and_every_code_is_one_of_the_compiler() -> None:
    assert {one.code for one in CASES} == {*RULES}
    page = (CHECKOUT / "docs" / "validation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE)
    documented = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    assert {*RULES} <= documented
    assert documented >= UNCOVERED


def test_many_mistakes_are_mended_one_after_another(orchestra: Orchestra, write: Any) -> None:
    title = "{{ 'Mail ' + index + mail.subjekt.toUpperCase() }}"
    write({"schema_version": 1, "stpes": [], "steps": [MAILS, each_mail(issue(title, aprove="always"), key=None)]})
    made = orchestra.copilot.fixes.propose(OWNER, NAME)
    assert made is not None
    assert [one.code for one in made.problems] == ["unknown_key"]  # 'stpes': a person takes it out
    text = json.loads(_after(orchestra, made.ops))["steps"][1]
    assert text["steps"][0]["with"]["title"] == "{{ 'Mail ' + string(index) + mail.subject.upperAscii() }}"
    assert text["key"] == "{{ mail.id }}"
    assert text["steps"][0]["approve"] == "always"
    assert sum(one["op"] == "set" and one["field"] == "with.title" for one in made.ops) == 1


def test_the_id_that_a_step_had_in_the_file_leads_to_it(orchestra: Orchestra, write: Any) -> None:
    steps = [set_("words", {"text": "Hi"}), set_("use", {"text": "{{ steps.words.output.text }}"})]
    document = {"schema_version": 1, "steps": steps, "outputs": {"text": "{{ steps.use.output.text }}"}}
    write(document)
    draft = json.dumps(document, indent=2).replace('"id": "words"', '"id": "greeting_of_the_day"')
    orchestra.drafts.keep(OWNER, "workflow", NAME, draft, orchestra.editing.canvas(OWNER, NAME).etag)
    [fix] = orchestra.copilot.fixes.list(OWNER, NAME)
    assert fix.ops[0]["value"] == "{{ steps.greeting_of_the_day.output.text }}"


def test_a_guess_that_adds_a_problem_is_not_offered(orchestra: Orchestra, write: Any) -> None:
    steps = [{"id": "a", "uses": "gmail.sned", "with": {"channel": "#x", "body": {"a": 1}, "zzz": [1], "yyy": 2}}]
    problems = write({"schema_version": 1, "steps": steps})
    assert [one.code for one in problems] == ["unknown_step_type"]
    assert orchestra.copilot.fixes.list(OWNER, NAME) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"steps": 1}', '{"schema_version": 1, "steps": [1, {}]}'])
def test_a_text_that_is_no_workflow_has_no_fixes_that_fail(orchestra: Orchestra, write: Any, text: str) -> None:
    write(text)
    for fix in orchestra.copilot.fixes.list(OWNER, NAME):
        rev = orchestra.editing.canvas(OWNER, NAME).rev
        assert orchestra.editing.tried(OWNER, NAME, rev, fix.ops)


@pytest.mark.chaos
def test_five_thousand_problems_take_a_bounded_time(orchestra: Orchestra, write: Any) -> None:
    sources = ("inputs.nothing", "1 + 'a'", "steps.no.output", "x", "y()")
    wrong = {f"v{number}": f"{{{{ {source} }}}}" for number, source in enumerate(sources)}
    problems = write({"schema_version": 1, "steps": [set_(f"s{number}", wrong) for number in range(1_000)]})
    assert "more problems" in problems[-2].message + problems[-1].message
    began = time.monotonic()
    orchestra.editing.problems(OWNER, NAME, orchestra.editing.draft_text(OWNER, NAME).text + "\n")
    once, began = time.monotonic() - began, time.monotonic()
    assert 1 <= len(orchestra.copilot.fixes.list(OWNER, NAME)) <= MOST
    assert time.monotonic() - began < 3 * SECONDS + 6 * once + 5  # it is compiled before, to be read, and for trials


def test_a_search_ends_after_its_time_and_keeps_what_it_has_found() -> None:
    clock = iter([0.0, *[3 * SECONDS + 1] * 100])
    around = FixContext(NAME, parse('{"title": 5}', NAME), AROUND, None)
    finding = Finding(lambda _ops: pytest.fail("tried"), lambda _text: around, lambda: next(clock))
    assert finding.each(Tried("{}", [Problem("no", "wrong_type")])) == []


def test_a_value_that_is_set_again_is_left_out() -> None:
    first, second = ({"op": "set", "step": "a", "field": "title", "value": one} for one in ("x", "y"))
    rename = {"op": "rename", "step": "a", "to": "b"}
    assert shortened([first, second]) == [second]
    assert shortened([first, rename, second]) == [first, rename, second]


def test_who_may_only_view_gets_none_and_names_are_checked(orchestra: Orchestra, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        orchestra.copilot.fixes.list(VIEWER, "inbox-triage")
    with pytest.raises(UnknownName):
        orchestra.copilot.fixes.list(OWNER, "no-such")
    with pytest.raises(InvalidInput):
        orchestra.copilot.fixes.list(OWNER, "../x")
    assert orchestra.copilot.fixes.list(OWNER, "inbox-triage") == []
