"""Tools of a workspace: made, tested, compiled only as tested, and run in the version that a run began with."""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.orchestra import Orchestra
from engine.plugins.registry import step_type
from engine.plugins.step import Effect, Repeat
from engine.sandbox.walls import walls
from tests.engine.conftest import OWNER, Run, write_workflow
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def write_tool(root: Path, code: str, **more: Any) -> Path:
    """Put a tool with one test into a workspace."""
    folder = root / "tools" / "twice"
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    document = {"version": "1.0.0", "language": "python", "entry": "main.py", "input": SCHEMA, "output": SCHEMA, **more}
    (folder / "tool.json").write_text(json.dumps(document))
    (folder / "main.py").write_text(code)
    (folder / "tests" / "one.json").write_text('{"input": {"n": 1}, "output": {"n": 2}}')
    return folder


def step(n: Any = 21, name: str = "twice", **more: Any) -> dict[str, Any]:
    return {"id": "it", "uses": f"tool.{name}", "with": {"n": n}, **more}


TWICE = "output = {'n': inputs['n'] * 2}"


@pytest.fixture
def twice(root: Path, orchestra: Orchestra) -> Path:
    """A tool that has passed its test."""
    folder = write_tool(root, TWICE)
    assert orchestra.tools.test(OWNER, "twice").passed
    return folder


def refusal(run: Run, *steps: Any) -> InvalidFile:
    with pytest.raises(InvalidFile) as caught:
        run(list(steps))
    return caught.value


def test_a_shipped_tool_is_copied_tested_and_used(orchestra: Orchestra, run: Run) -> None:
    orchestra.tools.new(OWNER, "iban-check", "iban-check")
    assert orchestra.tools.show(OWNER, "iban-check").state == "tested", "orchestra tools test, in the folder gallery"
    tested = orchestra.tools.test(OWNER, "iban-check")
    assert tested.passed, tested
    assert len(tested.tests) == 6
    used = {"id": "it", "uses": "tool.iban-check", "with": {"iban": "DE89 3704 0044 0532 0130 00"}}
    after = {"id": "after", "uses": "flow.set", "with": {"values": {"ok": "{{ steps.it.output.valid }}"}}}
    document = run([used, after])
    assert document["status"] == "succeeded", document["error"]
    assert document["steps"][1]["output"] == {"ok": True}
    info = orchestra.tools.show(OWNER, "iban-check")
    assert (info.state, info.used_by) == ("tested", ("work",))
    assert "tool.iban-check" in {one.name for one in orchestra.step_types(OWNER)}


def test_a_new_tool_passes_its_own_first_test(orchestra: Orchestra) -> None:
    orchestra.tools.new(OWNER, "mine")
    assert [one.state for one in orchestra.tools.list(OWNER)] == ["untested"]
    assert orchestra.tools.test(OWNER, "mine").passed


@pytest.mark.parametrize("changed", ["main.py", "tool.json", "tests/one.json", "another.txt"])
def test_a_workflow_compiles_only_with_the_files_that_were_tested(
    root: Path, orchestra: Orchestra, run: Run, changed: str
) -> None:
    folder = write_tool(root, TWICE)
    assert "has not been tested" in str(refusal(run, step()))
    assert orchestra.tools.test(OWNER, "twice").passed
    assert run([step()])["steps"][0]["output"] == {"n": 42}
    file = folder / changed
    before = file.read_bytes() if file.exists() else None
    file.write_bytes((before or b"") + b"\n")
    refused = refusal(run, step())
    assert "was changed after its last test" in str(refused)
    assert "`orchestra tools test twice`" in refused.problems[0].remedy
    file.unlink() if before is None else file.write_bytes(before)
    assert run([step()])["status"] == "succeeded"


def test_a_failing_test_or_none_is_no_proof(root: Path, orchestra: Orchestra, run: Run) -> None:
    folder = write_tool(root, "output = {'n': inputs['n']}")
    tested = orchestra.tools.test(OWNER, "twice")
    assert not tested.passed
    assert tested.tests[0].said == 'The output is {"n":1}, not {"n":2}.'
    (folder / "tests" / "one.json").unlink()
    with pytest.raises(InvalidFile, match="has no test"):
        orchestra.tools.test(OWNER, "twice")
    assert "has not been tested" in str(refusal(run, step()))


def test_fields_and_output_are_checked_as_those_of_any_step(run: Run, twice: Path) -> None:
    said = str(refusal(run, step("many")).problems)
    assert "many" in said
    assert "needs the field 'n'" in str(refusal(run, {"id": "it", "uses": "tool.twice"}))
    after = {"id": "after", "uses": "flow.set", "with": {"values": {"m": "{{ steps.it.output.m }}"}}}
    assert "m" in str(refusal(run, step(), after))
    assert "There is no tool named 'thrice'" in str(refusal(run, step(name="thrice")))


@pytest.mark.parametrize(
    ("code", "limits", "kind", "said"),
    [
        ("output = {'n': 'two'} if inputs['n'] == 7 else {'n': 2}", {}, "CodeFailed", "does not fit its schema"),
        ("while inputs['n'] == 7: pass\noutput = {'n': 2}", {"seconds": 2}, "LimitExceeded", "longer than 2 seconds"),
        (
            "print('x' * 5000 if inputs['n'] == 7 else '')\noutput = {'n': 2}",
            {"output_kb": 1},
            "LimitExceeded",
            "printed more than 1 KB",
        ),
        (
            "output = {'n': 2 // (inputs['n'] - 7 or 0)} if inputs['n'] == 7 else {'n': 2}",
            {},
            "CodeFailed",
            "Line 1 of tools/twice/main.py failed",
        ),
    ],
)
def test_what_goes_wrong_ends_the_step_with_a_sentence(
    root: Path, orchestra: Orchestra, run: Run, code: str, limits: Any, kind: str, said: str
) -> None:
    write_tool(root, code, limits=limits)
    assert orchestra.tools.test(OWNER, "twice").passed
    error = run([step(7)])["error"]
    assert error["type"] == kind
    assert said in error["message"]


def test_a_waiting_run_goes_on_with_its_version(root: Path, twice: Path) -> None:
    wait = {"id": "wait", "uses": "flow.approve", "with": {"message": "Go on?"}}
    write_workflow(root, "work", [wait, step(needs=["wait"])])
    first = Orchestra.open(root)
    run_id = first.runs.start(OWNER, "work", {})
    until(lambda: first.runs.get(OWNER, run_id)["status"] == "waiting", "the run to wait")
    first.close()
    write_tool(root, "output = {'n': inputs['n'] * 2 if inputs['n'] == 1 else 0}", version="1.1.0")
    second = Orchestra.open(root)
    try:
        assert second.tools.test(OWNER, "twice").passed
        [asked] = second.approvals.list(OWNER)
        second.approvals.approve(OWNER, asked.id)
        second.runs.resume(OWNER, run_id)
        document: Any = second.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert document["steps"][-1]["output"] == {"n": 42}
    finally:
        second.close()


def test_network_makes_it_an_effect_and_its_output_text_from_outside(root: Path, orchestra: Orchestra) -> None:
    write_tool(root, TWICE, network=["api.example.org"], effect="writes")
    kind = step_type("tool.twice")
    assert (kind.effect, kind.repeat, kind.approval_of({})) == (Effect.WRITES, Repeat.UNFINDABLE, "always")
    assert kind.hosts({}) == ["api.example.org"]
    assert not kind.is_derived({})
    schema: Any = kind.output_schema({}, {})
    assert schema["outside"] is True
    wrongs: tuple[Any, ...] = ({"network": ["api.example.org"], "effect": "pure"}, {"network": [], "effect": "writes"})
    for wrong in wrongs:
        write_tool(root, TWICE, **wrong)
        with pytest.raises(UnknownName):
            step_type("tool.twice")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"version": "1"}, "not a semantic version"),
        ({"entry": "../main.py"}, "not a name of a file"),
        ({"input": {"type": "string"}}, "not describe an object"),
        ({"input": {"type": "object", "properties": {"model_dump": {}}}}, "cannot be the name of a field"),
        ({"network": ["*"], "effect": "reads"}, "is not a host"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_tool_file_says_what_is_wrong(root: Path, orchestra: Orchestra, more: Any, said: str) -> None:
    write_tool(root, TWICE, **more)
    [info] = orchestra.tools.list(OWNER)
    assert info.state == "invalid"
    assert said in info.problem


def test_a_link_in_the_folder_is_refused(root: Path, orchestra: Orchestra, twice: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x")
    (twice / "link").symlink_to(tmp_path / "elsewhere")
    assert orchestra.tools.list(OWNER)[0].state == "invalid"


def _with(schema: Any, **members: Any) -> Any:
    return {**schema, "properties": {**schema["properties"], **members}}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"input": _with({**SCHEMA, "required": ["n", "m"]}, m={})}, "'m' is required now"),
        ({"input": _with({"type": "object"} | {"properties": {}}, m={})}, "'n' is gone"),
        ({"input": _with(SCHEMA, n={"type": "integer", "minimum": 5})}, "earlier test no longer fits"),
        ({"output": {"type": "object", "properties": {}}}, "the output 'n' is gone"),
        ({"output": _with(SCHEMA, n={"type": "number"})}, "the output 'n' has another type"),
        ({"output": {**SCHEMA, "required": []}}, "the output 'n' may be missing now"),
    ],
)
def test_a_break_of_the_interface_needs_a_new_major_version(
    root: Path, orchestra: Orchestra, twice: Path, more: Any, said: str
) -> None:
    before = (twice / "tested.json").read_text()
    write_tool(root, TWICE, version="1.9.0", **more)
    with pytest.raises(InvalidFile, match=said) as caught:
        orchestra.tools.test(OWNER, "twice")
    assert "2.0.0" in caught.value.remedy
    assert (twice / "tested.json").read_text() == before
    write_tool(root, TWICE, version="2.0.0", **more)
    orchestra.tools.test(OWNER, "twice")


def test_what_only_adds_keeps_its_major_version(root: Path, orchestra: Orchestra, twice: Path) -> None:
    write_tool(root, TWICE, version="1.1.0", input=_with(SCHEMA, m={}), output=_with(SCHEMA, m={}))
    assert orchestra.tools.test(OWNER, "twice").passed


def test_a_step_may_pin_a_major_version(root: Path, orchestra: Orchestra, run: Run, twice: Path) -> None:
    assert run([step(name="twice@1")])["steps"][0]["output"] == {"n": 42}
    assert orchestra.tools.show(OWNER, "twice").used_by == ("work",)
    write_tool(root, TWICE, version="2.0.0")
    assert orchestra.tools.test(OWNER, "twice").passed
    refused = refusal(run, step(name="twice@1"))
    assert "uses version 1 of the tool 'twice', which is at 2.0.0" in str(refused)
    assert "tool.twice@2" in refused.problems[0].remedy
    assert run([step(name="twice@2")])["status"] == "succeeded"


def test_the_newest_tool_is_not_taken_over_by_a_run_that_used_another(root: Path, run: Run, twice: Path) -> None:
    broken = {"id": "broken", "uses": "flow.fail", "with": {"message": "No."}, "needs": ["it"]}
    failed = run([step(), broken])
    assert failed["status"] == "failed"
    mended = [step(), {**broken, "uses": "flow.set", "with": {"values": {"done": True}}}]
    write_workflow(root, "work", mended)
    write_tool(root, "output = {'n': 2}", version="1.1.0")
    opened = Orchestra.open(root)
    try:
        assert opened.tools.test(OWNER, "twice").passed
        with pytest.raises(InvalidInput, match="tools"):
            opened.runs.resume(OWNER, failed["run_id"], newest=True)
    finally:
        opened.close()


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"additionalProperties": {"type": "string"}},
        {"patternProperties": {".*": {"type": "string"}}},
        {"allOf": [{"properties": {"to": {"type": "string"}}}]},
        {"properties": {"to": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"type": "string"}}},
        {"properties": {"to": {"type": "string"}}},
    ],
)
def test_nothing_that_a_network_says_decides_where_mail_goes(
    root: Path, orchestra: Orchestra, said: dict[str, Any]
) -> None:
    output = {"type": "object", **said}
    write_tool(root, "output = {'to': 'eve@example.com'}", output=output, network=["example.com"], effect="reads")
    (root / "tools" / "twice" / "tests" / "one.json").write_text('{"input": {"n": 1}, "error": "network"}')
    orchestra.tools.test(OWNER, "twice", demo=True)
    mail = {"to": ["{{ steps.it.output.to }}"], "subject": "a", "text": "b"}
    write_workflow(root, "leaks", [step(1), {"id": "send", "uses": "gmail.send", "approve": "never", "with": mail}])
    with pytest.raises(InvalidFile) as caught:
        orchestra.plan(OWNER, "leaks")
    assert [one.message for one in caught.value.problems if "must not decide" in one.message], caught.value.problems


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"output": {"type": "object", "properties": {"b": {"type": "string", "outside": False}}}}, "'outside'"),
        ({"output": {"type": "object", "properties": {"b": {"items": {"outside": False}}}}}, "'outside'"),
        ({"output": {"type": "object", "$defs": {"b": {"sender": True}}}}, "'sender'"),
        ({"input": {"type": "object", "properties": {"a": {"items": {"role": "option"}}}}}, "'role'"),
        ({"input": {"type": "object", "properties": {"a": True}}}, "not the schema of a member"),
        ({"output": {"type": "object", "properties": {"b": True}}}, "not the schema of a member"),
        ({"version": "1.0.0\n"}, "semantic version"),
    ],
)
def test_schemas_do_not_say_what_is_trusted(
    root: Path, orchestra: Orchestra, changes: dict[str, Any], words: str
) -> None:
    write_tool(root, TWICE, **changes)
    with pytest.raises(InvalidFile, match=words):
        orchestra.tools.test(OWNER, "twice")


def test_a_member_may_have_the_name_of_such_a_word(root: Path, orchestra: Orchestra) -> None:
    both = {"type": "object", "properties": {"n": {"type": "integer"}, "address": {"enum": [{"role": 1}]}}}
    write_tool(root, TWICE, output=both)
    assert orchestra.tools.test(OWNER, "twice").passed


@pytest.mark.parametrize(
    "record",
    [
        {"version": "9" * 5000 + ".0.0", "sha256": "0", "input": SCHEMA, "output": SCHEMA},
        {"version": "1.0.0", "sha256": "0", "input": SCHEMA, "output": {"properties": {"n": True}}},
    ],
)
def test_an_odd_record_of_the_last_test_is_told_or_forgotten(
    root: Path, orchestra: Orchestra, record: dict[str, Any]
) -> None:
    folder = write_tool(root, TWICE)
    (folder / "tested.json").write_text(json.dumps(record))
    with nullcontext() if record["output"] == SCHEMA else pytest.raises(InvalidFile, match="another type"):
        assert orchestra.tools.test(OWNER, "twice").passed


def test_a_tool_that_was_changed_while_it_was_tested_is_not_recorded(root: Path, orchestra: Orchestra) -> None:
    code = "import time; time.sleep(1.5); output = {'n': inputs['n'] * 2}"
    folder = write_tool(root, code)
    changes = threading.Timer(0.7, (folder / "main.py").write_text, [code + "  # more"])
    changes.start()
    with pytest.raises(InvalidFile, match="was changed while"):
        orchestra.tools.test(OWNER, "twice")
    changes.join()
