"""The check on values while a workflow runs: it finds what a mistake of the compiler lets through, and nothing else.

The compiler's check is switched off here, or made wrong. Then the small workflows of its own table run: those that it
would refuse must stop before the call, and the others must not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from assurance.injection import world as worlds
from assurance.injection.world import OWNER, PATIENCE_SECONDS, World
from engine.base.errors import ExpressionError
from engine.compiler.analysis import text_flow
from engine.compiler.checks import outside_text, scope
from engine.compiler.checks.outside_text import OutsideCheck
from engine.compiler.definition.plan import Plan
from engine.documents.schema_check import misfits
from engine.expressions import origins
from engine.expressions.interpreter import SCALAR_RESULTS
from engine.expressions.origins import NOTHING, Derived, Origins
from engine.expressions.syntax import SyntaxNode
from engine.mail import fields
from engine.orchestra import Orchestra
from engine.plugins.trigger import Item
from engine.record.types.run import TriggerItem
from engine.runs.starting.run_request import RunRequest
from engine.triggering.polling.mapping import inputs_of
from tests.engine.compiler.checks import outside_flows as flows
from tests.engine.compiler.checks.outside_flows import Row
from tests.engine.compiler.checks.test_outside_text import REPLY, compiled
from tests.few import rare

if TYPE_CHECKING:
    from tests.conftest import StandIns

ROWS = [*flows.EXPRESSIONS, *flows.SCHEMAS, *flows.KNOWN, *flows.MODELS, *flows.STRUCTURE, *flows.STARTS, *flows.CALLS]
REFUSED = "OutsideTextRefused"
UNKNOWN, LISTED, FITTING = "mallory1@evil.example", "a@b.c", "mallory1@example.org"
SAMPLES: Sequence[Mapping[str, str]] = (
    {"": UNKNOWN},
    {"": LISTED},
    {"": UNKNOWN, "subject": LISTED},
    {"": FITTING},
)
"""What texts from outside say, by the name of the field: something that no workflow knows, or that some do."""
SOURCES = {"mail", "mails", "ask", "issue", "get", "found", "sum", "sort"}
"""The steps of the table whose output is given here, unless they are to fail or the field in question is theirs."""
TO_FAIL = {"the error of a step", "the type of an error", "in a fallback", "after a failure"}
ELSEWHERE = {
    "messages as one expression": "the message of this run is a user's, not an instruction",
    "the errors of a loop": "no item fails in this run",
}
"""Why some workflows that the compiler refuses do no harm in these runs."""


_DUE = '"due": {"type": "string", "format": "date-time"}, '
"""What the model of these tests cannot fill."""


def sample(schema: Mapping[str, Any], texts: Mapping[str, str], root: Mapping[str, Any], name: str = "") -> Any:
    """Return a value of a type, with these texts in it."""
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return sample(schema[key][0], texts, root, name)
    if "$ref" in schema:
        return sample(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], texts, root, name)
    if "enum" in schema or "const" in schema:
        return schema["enum"][0] if "enum" in schema else schema["const"]
    kind, text = schema.get("type", "object"), texts.get(name, texts[""])
    if kind == "object":
        named = {inner: sample(one, texts, root, inner) for inner, one in schema.get("properties", {}).items()}
        return named or {"next": text, "abc": text, "X-To": text} | ({text: 1} if name == "counts" else {})
    if kind == "array":
        return [sample(schema.get("items", {}), texts, root, name)]
    if schema.get("format") == "date-time":
        return "2026-11-20T09:00:00Z"
    known: dict[str, Any] = {"boolean": True, "integer": 1, "number": 1.0, "null": None}
    return "acme/app" if name == "repository" else known.get(kind, text)


@pytest.fixture
def world(tmp_path: Path, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A workspace on the stand-ins, in which no person is asked, and any text may be a recipient."""
    monkeypatch.setattr(fields, "require_recipients", lambda *_: None)
    with worlds.world(tmp_path / "workspace", standins) as found:
        found.ask("never")
        config = tmp_path / "workspace" / "config.yaml"
        settings = json.loads(config.read_text(encoding="utf-8"))
        settings["connections"]["database"] = {"service": "sql", "url": "sqlite:///shop.db"}
        config.write_text(json.dumps(settings), encoding="utf-8")
        [mail] = found.deliver([f"From: M <{UNKNOWN}>\r\nSubject: {UNKNOWN}\r\n\r\n{UNKNOWN}\r\n".encode()])
        for name, document in flows.SHELF.items():
            text = json.dumps(document).replace('"m1"', json.dumps(mail)).replace(_DUE, "")
            found.save(name, json.loads(text))
        yield found


@pytest.fixture
def orchestra(world: World) -> Iterator[Orchestra]:
    """The engine, with the prompt that some of the workflows name."""
    with world.opened() as opened:
        reply = {"schema_version": 1, "title": "Reply", "labels": {}, **REPLY}
        opened.prompts.save_version(OWNER, "reply", json.dumps(reply), None, "production")
        yield opened


def ran(world: World, orchestra: Orchestra, row: Row, texts: Mapping[str, str]) -> list[str]:
    """Run a workflow of the table; return the messages with which its calls were refused."""
    name, document, expected = row
    world.save("work", document)
    plan = orchestra.runs._plans.named("work", {}, "")
    own = {place.split(".")[1] for place, _ in expected}
    given = [node for node in plan.nodes() if node.action and node.id in SOURCES - own and name not in TO_FAIL]
    pins = {
        node.path: sample(node.action.output_schema, texts, node.action.output_schema)
        for node in given
        if node.action is not None
    }
    wanted = RunRequest({one: sample(kind, {"": "me@example.org"}, kind, one) for one, kind in _inputs(plan).items()})
    if plan.triggers:
        found, schema = plan.triggers[-1], plan.triggers[-1].kind.item_schema_of(plan.triggers[-1].fields)
        try:
            inputs = inputs_of(found, Item("1", sample(schema, texts, schema)), lambda _file: None)
        except ExpressionError:  # a text that is not a number starts no run
            return []
        told: TriggerItem = {"id": found.id, "source": "s", "account": "a", "item": "1", "title": "t"}
        wanted = RunRequest(inputs, trigger=told)
        if next(iter(misfits(inputs, plan.inputs_schema)), None) is not None:
            return []
    wanted = replace(wanted, options={"pins": pins})
    acceptor = orchestra._families.work.acceptor
    run_id = acceptor.begin(acceptor.prepare(OWNER, plan, wanted, "runs.start"))
    return refusals(orchestra, orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS))


def refusals(orchestra: Orchestra, run: Any) -> list[str]:
    """Return the messages with which calls were refused, in a run and in those that it called."""
    told = [step["error"]["message"] for step in run["steps"] if (step["error"] or {}).get("type") == REFUSED]
    called = [orchestra.runs.get(OWNER, step["child_run_id"]) for step in run["steps"] if step.get("child_run_id")]
    return [*told, *(one for each in called for one in refusals(orchestra, each))]


def _inputs(plan: Plan) -> Mapping[str, Any]:
    found: Mapping[str, Any] = plan.inputs_schema.get("properties", {})
    return found


def nothing(*_: Any) -> Derived:
    """Say that a value has no text from outside."""
    return NOTHING


def nobody(*_: Any) -> tuple[()]:
    """Find nothing."""
    return ()


def first_of(_self: Origins, values: Sequence[Derived]) -> Derived:
    """Take the first of several values for all of them."""
    return values[0] if values else NOTHING


def prefixed(self: Origins, condition: SyntaxNode, *, truth: bool = True) -> dict[SyntaxNode, Derived]:
    """Take a prefix for a proof."""
    return {condition.parts[0]: NOTHING} if condition.name == "startsWith" else {}


def unnamed_loop(self: OutsideCheck, _path: Any, step: Any) -> None:
    """Forget what the item of a loop is."""
    assert self.report.flow is not None
    self.report.flow.bind(step.id, step.as_, NOTHING)
    self.report.flow.bind(step.id, "index", NOTHING)


HOLES: Mapping[str, tuple[Any, str, Any, str]] = {
    "a function": (origins, "SCALAR_RESULTS", SCALAR_RESULTS | {"split", "trim"}, "a function"),
    "mixed text": (scope, "mixed", nothing, "mixed text"),
    "default()": (Origins, "joined", first_of, "the other value of default()"),
    "a condition": (Origins, "equal", prefixed, "only a prefix"),
    "the macro map": (Origins, "gathered", nothing, "map"),
    "a loop": (OutsideCheck, "begin_loop", unnamed_loop, "the item of a loop"),
    "the output of a loop": (outside_text, "looped", nothing, "the output of a loop"),
    "flow.set": (OutsideCheck, "_once", nothing, "through flow.set"),
    "a model": (OutsideCheck, "_given", nothing, "a free text of a model"),
    "a prompt": (OutsideCheck, "_instructing", nobody, "a variable in the instructions of a prompt"),
    "a system message": (outside_text, "chosen", lambda *_: {"title": ""}, "a system message"),
    "an error": (text_flow, "_error", nothing, "in a fallback"),
    "a called workflow": (OutsideCheck, "call", nobody, "text for another workflow's destination"),
    "two levels": (OutsideCheck, "call", nobody, "two levels deep"),
    "the output of a called workflow": (OutsideCheck, "_of_workflow", nothing, "the text that another workflow reads"),
    "a trigger": (OutsideCheck, "trigger", lambda *_: frozenset(), "an input from a trigger"),
}
"""Mistakes that the compiler could have: (where, name, what is there instead, the workflow that it lets through)."""


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_in_the_compiler_is_found(
    world: World, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch, hole: str
) -> None:
    place, name, wrong, of = HOLES[hole]
    row = next(one for one in ROWS if one[0] == of)
    assert compiled(row[1]).plan is None
    monkeypatch.setattr(place, name, wrong)
    assert compiled(row[1]).plan is not None, "the compiler must be wrong now"
    sent = len(world.standins.show("gmail")["sent"])
    told = ran(world, orchestra, row, {"": "another@evil.example"})
    field = row[2][0][0] if "workflow 'notify'" not in row[2][0][1] else "steps.send.with.to"
    assert told
    for one in told:
        assert re.search(rf"`{re.escape(field)}(\.0)?` comes from", one), one
        assert "It was found while the workflow ran" in one
    assert len(world.standins.show("gmail")["sent"]) == sent


def test_a_refusal_names_all_sources_of_the_value(
    world: World, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OutsideCheck, "_take", lambda *_: None)
    joined = "{{ steps.mail.output.subject + steps.both.output.x }}"
    both = {"x": "{{ steps.mail.output.text }}{{ steps.issue.output.title }}{{ steps.mail.output.text }}"}
    steps = [flows.MAIL, flows.ISSUE, flows.step("both", "flow.set", {"values": both}), flows.send(joined)]
    [told] = ran(world, orchestra, ("all sources", flows.flow(*steps), []), {"": "another@evil.example"})
    assert told.startswith(
        "Text from outside must not decide this: `steps.send.with.to` comes from the subject of the mail"
        " (`steps.mail.output.subject`); the text of the mail (`steps.mail.output.text`); the title of the issue"
        " (`steps.issue.output.title`). Nothing was sent."
    )


@pytest.mark.slow
@pytest.mark.parametrize("stride", [3, rare(1)])
def test_what_the_compiler_refuses_is_found_in_the_values_and_nothing_else(
    world: World, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    monkeypatch.setattr(OutsideCheck, "_take", lambda *_: None)
    wrong = []
    for row in ROWS[::stride]:
        told = next((found for texts in SAMPLES if (found := ran(world, orchestra, row, texts))), [])
        if bool(told) != bool(row[2] and row[0] not in ELSEWHERE):
            wrong.append((row[0], told))
    assert wrong == []
