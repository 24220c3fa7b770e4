"""What the cases of a prompt say about a call: found by its variables, read again when a file changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.prompts.cases import CaseStore
from engine.prompts.right_answers import RightAnswers
from engine.workspace.workspace import Workspace

VARIABLES = {"mail": {"from": {"address": "a@b.example", "name": "Ann"}, "lines": [1, 2]}}
TURNED = {"mail": {"lines": [1, 2], "from": {"name": "Ann", "address": "a@b.example"}}}


def case(variables: Any, kind: str) -> dict[str, Any]:
    expected = {"type": "field_equals", "field": "kind", "value": kind}
    return {"name": "Ann asks", "variables": variables, "assertions": [expected]}


def test_a_case_is_found_whatever_the_order_of_its_members(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.prompts.save("classify", '{"template": "{{ mail }}"}', None, "ann")
    cases = CaseStore(workspace.prompts)
    answers = RightAnswers(cases)
    assert answers.about("classify", VARIABLES) is None
    made = cases.save("classify", "ann", case(VARIABLES, "bug"), None)
    for variables in (VARIABLES, TURNED):
        found = answers.about("classify", variables)
        assert found is not None
        assert (found.case, found.values) == ("ann", {"kind": "bug"})
    assert answers.about("classify", {"mail": {**VARIABLES["mail"], "lines": [2, 1]}}) is None
    cases.save("classify", "ann", case(TURNED, "question"), made.etag)
    changed = answers.about("classify", VARIABLES)
    assert changed is not None
    assert changed.values == {"kind": "question"}


def test_a_damaged_file_beside_a_case_changes_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.prompts.save("classify", '{"template": "{{ mail }}"}', None, "ann")
    cases = CaseStore(workspace.prompts)
    answers = RightAnswers(cases)
    cases.save("classify", "ann", case(VARIABLES, "bug"), None)
    folder = cases.folder("classify")
    (folder / "aa.json").write_text('{"name": "a", "variables": {"mail": {}}, "assertions": ["x", null, 1, []]}')
    (folder / "ab.json").write_text('{"name": "a", "variables": {"mail": {}}, "assertions": {"type": "x"}}')
    (folder / "ac.json").symlink_to("nowhere.json")
    (folder / "ad.json").symlink_to("ad.json")
    found = answers.about("classify", VARIABLES)
    assert found is not None
    assert found.values == {"kind": "bug"}
    assert answers.about("classify", {"mail": {}}) is None


def test_what_could_not_be_read_is_read_the_next_time(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.prompts.save("classify", '{"template": "{{ mail }}"}', None, "ann")
    cases = CaseStore(workspace.prompts)
    cases.save("classify", "ann", case(VARIABLES, "bug"), None)
    answers, prompt = RightAnswers(cases), tmp_path / "prompts" / "classify.json"
    text = prompt.read_text()
    prompt.unlink()
    assert answers.about("classify", VARIABLES) is None
    prompt.write_text(text)
    assert answers.about("classify", VARIABLES) is not None
