"""Files that tools take and leave: as inputs of runs, in tests, and as outputs that other steps use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile
from engine.orchestra import Orchestra
from engine.sandbox.walls import walls
from tests.engine.conftest import OWNER, Run
from tests.engine.tools.test_tools import refusal, write_tool

pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
TAKES = {"type": "object", "properties": {"table": {"format": "file", "title": "Table"}}, "required": ["table"]}
SEVERAL = {"type": "object", "properties": {"tables": {"type": "array", "items": {"format": "file"}}}}
LINES = {"type": "object", "properties": {"lines": {"type": "integer"}}, "required": ["lines"]}
COUNTS = """
from pathlib import Path
text = Path(inputs["table"]).read_text()
output = {"lines": len(text.splitlines())}
Path("/w/out").mkdir()
Path("/w/out/upper.csv").write_text(text.upper())
"""


def write_counting(root: Path, case: Any, code: str = COUNTS, **more: Any) -> Path:
    folder = write_tool(root, code, **{"input": TAKES, "output": LINES, "files": True, **more})
    (folder / "tests" / "a.csv").write_text("id\n1\n2\n")
    (folder / "tests" / "one.json").write_text(json.dumps(case))
    return folder


CASE = {"input": {"table": "tests/a.csv"}, "output": {"lines": 3}, "files": ["upper.csv"]}


def use(table: Any, **more: Any) -> dict[str, Any]:
    return {"id": "it", "uses": "tool.twice", "with": {"table": table}, **more}


def test_a_file_goes_in_and_files_come_out(root: Path, orchestra: Orchestra, run: Run) -> None:
    write_counting(root, CASE)
    tested = orchestra.tools.test(OWNER, "twice")
    assert tested.passed, tested
    (root / "files").mkdir(exist_ok=True)
    (root / "files" / "orders.csv").write_text("id\na\n")
    again = {"id": "again", "uses": "tool.twice", "with": {"table": "{{ steps.it.output.files[0] }}"}}
    named = {"id": "named", "uses": "flow.set", "with": {"values": {"name": "{{ steps.again.output.files[0].name }}"}}}
    document = run([use("files/orders.csv"), again, named])
    assert document["status"] == "succeeded", document["error"]
    first, second, last = (one["output"] for one in document["steps"])
    assert (first["lines"], second["lines"], last["name"]) == (2, 2, "upper.csv")
    assert (first["files"][0]["name"], first["files"][0]["bytes"]) == ("upper.csv", 5)


def test_several_files_have_names_of_their_own(root: Path, orchestra: Orchestra) -> None:
    code = "output = {'lines': len({open(one).read() for one in inputs['tables']})}"
    case = {"input": {"tables": ["tests/a.csv", "tests/b/a.csv"]}, "output": {"lines": 2}, "files": []}
    folder = write_counting(root, case, code, input=SEVERAL)
    (folder / "tests" / "b").mkdir()
    (folder / "tests" / "b" / "a.csv").write_text("another")
    tested = orchestra.tools.test(OWNER, "twice")
    assert tested.passed, tested


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({**CASE, "files": ["other.csv"]}, "It left upper.csv, not other.csv."),
        ({**CASE, "files": []}, "It left upper.csv, not none."),
        ({**CASE, "input": {"table": "../../../config.yaml"}}, "has no file '../../../config.yaml'"),
    ],
)
def test_a_test_says_which_files_it_wants(root: Path, orchestra: Orchestra, case: Any, said: str) -> None:
    write_counting(root, case)
    assert said in orchestra.tools.test(OWNER, "twice").tests[0].said


def test_text_from_outside_decides_no_path_and_what_a_file_says_is_from_outside(
    root: Path, orchestra: Orchestra, run: Run
) -> None:
    write_counting(root, {**CASE, "output": {"lines": 3}})
    assert orchestra.tools.test(OWNER, "twice").passed
    mails = {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 1}}
    decided = refusal(run, mails, use("{{ steps.mails.output.messages[0].subject }}"))
    assert "must not decide" in str(decided.problems)
    said = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    code = "output = {'to': open(inputs['table']).read()}"
    write_counting(root, {"input": {"table": "tests/a.csv"}, "output": {"to": "id\n1\n2\n"}}, code, output=said)
    (root / "tools" / "twice" / "tested.json").unlink()
    assert orchestra.tools.test(OWNER, "twice").passed
    mail = {"to": ["{{ steps.it.output.to }}"], "subject": "a", "text": "b"}
    sends = {"id": "send", "uses": "gmail.send", "approve": "never", "with": mail}
    assert "must not decide" in str(refusal(run, use("files/a.csv"), sends).problems)


def test_what_is_no_file_is_refused(root: Path, orchestra: Orchestra, run: Run) -> None:
    write_counting(root, CASE)
    assert orchestra.tools.test(OWNER, "twice").passed
    assert "table" in str(refusal(run, use(5)).problems)
    failed = run([use("config.yaml")])
    assert failed["status"] == "failed"
    write_counting(root, CASE, input={"type": "object", "properties": {"table": {"format": "file", "minLength": 2}}})
    assert "'minLength' says nothing of one" in orchestra.tools.show(OWNER, "twice").problem
    write_counting(root, CASE, output={"type": "object", "properties": {"files": {}}})
    assert "would hide" in orchestra.tools.show(OWNER, "twice").problem


def test_files_that_are_gone_break_workflows(root: Path, orchestra: Orchestra) -> None:
    write_counting(root, CASE)
    assert orchestra.tools.test(OWNER, "twice").passed
    write_counting(root, {**CASE, "files": ["upper.csv"]}, files=False)
    with pytest.raises(InvalidFile, match="the files that it leaves are gone"):
        orchestra.tools.test(OWNER, "twice")
