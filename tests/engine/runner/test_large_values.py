"""Large values in a run: handed on by reference, read where they are needed, found again, told when they are gone."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

TEXT_INPUT = {"type": "object", "properties": {"text": {"type": "string"}}}
LARGE = "word " * 100_000
ITEMS = [{"id": f"i{number}", "note": "n" * 300} for number in range(1000)]


def files(orchestra: Orchestra) -> list[Path]:
    """The files of all large values."""
    return list(orchestra.workspace.logs.glob("*/*.files/*"))


def passing(steps: int) -> list[dict[str, Any]]:
    """Steps that only hand on what the first one took from the inputs."""
    first = set_step("s0", {"v": "{{ inputs.text }}"})
    return [first, *(set_step(f"s{n}", {"v": f"{{{{ steps.s{n - 1}.output.v }}}}"}) for n in range(1, steps))]


def test_steps_that_hand_on_a_value_keep_one_file(run: Run, orchestra: Orchestra) -> None:
    document = run(passing(10), {"text": LARGE}, inputs=TEXT_INPUT, outputs={"v": "{{ steps.s9.output.v }}"})
    assert document["status"] == "succeeded", document["error"]
    reference = document["inputs"]["text"]
    assert reference == {
        "$file": f"{document['run_id']}.files/{hashlib.sha256(LARGE.encode()).hexdigest()}",
        "bytes": len(LARGE),
        "media_type": "text/plain",
    }
    assert all(step["arguments"] == {"values": {"v": reference}} for step in document["steps"])
    assert all(step["output"] == {"v": reference} for step in document["steps"])
    assert document["outputs"] == {"v": reference}
    assert [path.read_text() for path in files(orchestra)] == [LARGE]


def test_a_large_list_is_a_file_and_the_object_around_it_is_not(run: Run, orchestra: Orchestra) -> None:
    schema = {"type": "object", "properties": {"all": {"type": "array", "items": {"type": "object"}}}}
    steps = [
        set_step("a", {"list": "{{ inputs.all }}", "n": 1}),
        set_step("b", {"last": "{{ steps.a.output.list[999].id }}", "n": "{{ steps.a.output.n + 1 }}"}),
        {"id": "each", "foreach": "{{ steps.a.output.list }}", "steps": [set_step("c", {"id": "{{ item.id }}"})]},
    ]
    document = run(steps, {"all": ITEMS}, inputs=schema, outputs={"n": "{{ size(steps.each.output) }}"})
    assert document["status"] == "succeeded", document["error"]
    kept = {step["path"]: step["output"] for step in document["steps"]}
    assert kept["a"]["n"] == 1
    assert kept["a"]["list"]["media_type"] == "application/json"
    assert kept["b"] == {"last": "i999", "n": 2}
    assert kept["each[17].c"] == {"id": "i17"}
    assert document["outputs"] == {"n": 1000}
    assert len(files(orchestra)) == 1


def test_values_that_are_large_only_together_are_handed_on(run: Run) -> None:
    text = "word " * 12_000
    together = {f"v{n}": "{{ inputs.text }}" for n in range(6)}
    steps = [
        set_step("s", together),
        {
            "id": "end",
            "uses": "flow.stop",
            "with": {"outputs": together, "message": "{{ string(size(steps.s.output.v5)) }}"},
        },
    ]
    document = run(steps, {"text": text}, inputs=TEXT_INPUT)
    assert document["status"] == "succeeded", document["error"]
    assert document["steps"][0]["output"]["bytes"] > 6 * len(text)
    assert document["outputs"] == document["steps"][0]["output"]


def test_a_call_gets_the_value_itself(run: Run, service: Service) -> None:
    body = {"json": {"text": "{{ inputs.text }}", "n": 1}}
    step = post_step("w", service.url("/w"))
    step["with"] |= body
    document = run([step], {"text": LARGE}, inputs=TEXT_INPUT)
    assert document["status"] == "succeeded", document["error"]
    assert service.bodies == [{"text": LARGE, "n": 1}]
    assert document["steps"][0]["arguments"]["json"]["text"]["bytes"] == len(LARGE)


def test_a_receipt_does_not_depend_on_where_the_value_lies(run: Run, service: Service) -> None:
    step = post_step("w", service.url("/w"), once="for ever")
    step["with"] |= {"json": {"text": "{{ inputs.text }}"}}
    for _ in range(2):
        document = run([step], {"text": LARGE}, inputs=TEXT_INPUT)
    assert service.seen["/w"] == 1
    effect = document["steps"][0]["effect"]
    assert effect["reused"]
    assert "note" not in effect  # the arguments are the same, though each run keeps them in a file of its own


def test_a_resumed_run_goes_on_with_references(run: Run, orchestra: Orchestra, service: Service) -> None:
    service.answers = {"/r": [404]}
    steps = [*passing(2), get_step("r", service.url("/r")), set_step("n", {"n": "{{ size(steps.s1.output.v) }}"})]
    document = run(steps, {"text": LARGE}, inputs=TEXT_INPUT, outputs={"v": "{{ steps.s1.output.v }}"})
    assert document["status"] == "failed"
    orchestra.runs.resume(OWNER, document["run_id"])
    document = orchestra.runs.wait(OWNER, document["run_id"], PATIENCE_SECONDS)
    assert document["status"] == "succeeded", document["error"]
    assert document["steps"][-1]["output"] == {"n": len(LARGE)}
    assert document["outputs"] == {"v": document["inputs"]["text"]}
    assert len(files(orchestra)) == 1


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_value_that_is_gone_fails_the_step_that_needs_it_and_no_other(
    run: Run, orchestra: Orchestra, service: Service, damage: str
) -> None:
    service.answers = {"/r": [404]}
    steps = [
        *passing(1),
        get_step("r", service.url("/r")),
        set_step("on", {"v": "{{ steps.s0.output.v }}"}),
        set_step("n", {"n": "{{ size(steps.on.output.v) }}"}),
    ]
    run_id = run(steps, {"text": LARGE + damage}, inputs=TEXT_INPUT)["run_id"]
    (path,) = files(orchestra)
    path.unlink() if damage == "gone" else path.write_text("other")
    orchestra.runs.resume(OWNER, run_id)
    document: Any = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert [step["status"] for step in document["steps"]] == ["succeeded", "succeeded", "succeeded", "failed"]
    assert document["error"]["type"] == "InvalidFile"
    assert str(path) in document["error"]["message"]
    assert document["error"]["step"] == "n"


def test_the_inputs_of_a_run_can_be_given_again(run: Run, orchestra: Orchestra) -> None:
    document = run(passing(1), {"text": LARGE}, inputs=TEXT_INPUT)
    assert orchestra.runs.inputs(OWNER, document) == {"text": LARGE}


def test_a_called_run_has_large_inputs_and_outputs_of_its_own(run: Run, orchestra: Orchestra, root: Path) -> None:
    outputs = {"twice": "{{ inputs.text + inputs.text }}", "same": "{{ inputs.text }}"}
    write_workflow(root, "inner", [*passing(1)], inputs=TEXT_INPUT, outputs=outputs)
    call = {
        "id": "call",
        "uses": "workflow.run",
        "with": {"workflow": "inner", "inputs": {"text": "{{ inputs.text }}"}},
    }
    size = set_step("size", {"n": "{{ size(steps.call.output.twice) }}"})
    document = run([call, size], {"text": LARGE}, inputs=TEXT_INPUT)
    assert document["status"] == "succeeded", document["error"]
    called, after = document["steps"]
    assert after["output"] == {"n": 2 * len(LARGE)}
    assert called["output"]["twice"]["$file"].startswith(document["run_id"])
    inner = orchestra.runs.get(OWNER, called["child_run_id"])
    assert inner["inputs"]["text"]["$file"].startswith(inner["run_id"])
    assert inner["outputs"]["twice"]["$file"].startswith(inner["run_id"])


def test_outputs_of_groups_items_and_fallbacks_are_references(run: Run, orchestra: Orchestra) -> None:
    made = set_step("m", {"v": "{{ inputs.text }}"})
    steps = [
        {"id": "group", "steps": [made], "output": "{{ steps.m.output.v + '!' }}"},
        {
            "id": "each",
            "foreach": "{{ [1, 2] }}",
            "steps": [set_step("m2", {"v": 1})],
            "output": "{{ inputs.text + text(item) }}",
        },
        {
            "id": "fall",
            "uses": "flow.fail",
            "with": {"message": "no"},
            "on_error": {"steps": [set_step("m3", {"v": "{{ inputs.text + '?' }}"})]},
        },
    ]
    kept = "{{ [steps.group.output, steps.fall.output.v, steps.each.output[1].output].map(one, size(one)) }}"
    outputs = {"sizes": kept, "all": "{{ steps.each.output }}"}
    document = run(steps, {"text": LARGE}, inputs=TEXT_INPUT, outputs=outputs)
    assert document["status"] == "succeeded", document["error"]
    assert document["outputs"]["sizes"] == [len(LARGE) + 1] * 3
    assert [one["output"]["bytes"] for one in document["outputs"]["all"]] == [len(LARGE) + 1] * 2
    found = {step["path"]: step["output"] for step in document["steps"]}
    assert found["group"]["bytes"] == len(LARGE) + 1
    assert found["fall"]["v"]["bytes"] == len(LARGE) + 1
    assert len(files(orchestra)) == 5


FORGED = "{{ {'$file': run.id + '.files/' + inputs.digest, 'bytes': 6, 'media_type': 'text/plain'} }}"


def test_data_that_looks_like_a_reference_of_this_run_stays_data(
    run: Run, orchestra: Orchestra, service: Service
) -> None:
    service.answers = {"/r": [404]}
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "digest": {"type": "string"}}}
    steps = [
        set_step("a", {"forged": FORGED, "true": "{{ inputs.text }}"}),
        set_step("b", {"seen": "{{ json(steps.a.output.forged) }}", "on": "{{ steps.a.output.forged }}"}),
        get_step("r", service.url("/r")),
        set_step("c", {"seen": "{{ json(steps.b.output.on) }}", "size": "{{ size(steps.a.output.forged) }}"}),
    ]
    digest = hashlib.sha256(LARGE.encode()).hexdigest()
    document = run(steps, {"text": LARGE, "digest": digest}, inputs=schema)
    assert Path(files(orchestra)[0]).name == digest  # what it names is there
    orchestra.runs.resume(OWNER, document["run_id"])
    document = orchestra.runs.wait(OWNER, document["run_id"], PATIENCE_SECONDS)
    assert document["status"] == "succeeded", document["error"]
    outputs = {step["path"]: step["output"] for step in document["steps"]}
    assert len(outputs["b"]["seen"]) < 250
    assert outputs["c"] == {"seen": outputs["b"]["seen"], "size": 3}
    assert outputs["a"]["forged"].keys() == {"$literal"}
    assert outputs["a"]["true"].keys() == {"$file", "bytes", "media_type"}


MEMORY = """
import json, resource, sys
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import Principal

root, owner = Path(sys.argv[1]), Principal("tester", "owner", confirmed=True)

def run(steps):
    path = "steps.s{}.output.v".format
    listed = [{"id": "s0", "uses": "flow.set", "with": {"values": {"v": "{{ inputs.text }}"}}}]
    listed += [{"id": f"s{n}", "uses": "flow.set", "with": {"values": {"v": "{{ inputs.text }} %d" % n}}}
               for n in range(1, steps)]
    inputs = {"type": "object", "properties": {"text": {"type": "string"}}}
    document = {"schema_version": 1, "title": "Large", "inputs": inputs, "steps": listed}
    (root / "workflows" / f"of-{steps}.json").write_text(json.dumps(document))
    orchestra = Orchestra.open(root)
    run_id = orchestra.runs.start(owner, f"of-{steps}", {"text": "abcde" * 1_000_000})
    found = orchestra.runs.wait(owner, run_id, 120)
    orchestra.close()
    assert found["status"] == "succeeded", found["error"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

few, many = run(6), run(40)
print(few, many)
"""


@pytest.mark.slow
def test_many_large_values_need_no_more_memory_than_few(root: Path) -> None:
    command = [sys.executable, "-c", MEMORY, str(root)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert found.returncode == 0, found.stderr
    few, many = (int(one) for one in found.stdout.split())
    unit = 1024 if sys.platform == "darwin" else 1  # bytes there, KiB elsewhere
    assert (many - few) / unit < 30 * 1024
