"""What the model may do: look things up, propose, try in the demo, ask. Nothing of it saves or uses a real account."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from clients.errors import ServiceError
from clients.wording import counted, did_you_mean
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import JsonObject
from engine.copilot.proposals.records import ModelUse, Proposal
from engine.copilot.talking.answer_form import AnswerForm, WithTools
from engine.copilot.talking.code_step import CODE_FIELD, CodeStep
from engine.copilot.talking.facts import known_paths, run_facts
from engine.copilot.talking.prompt import marked, told_problems
from engine.copilot.talking.records import About, AnswerPart, UsedTool
from engine.copilot.talking.standing import placed_behind
from engine.copilot.talking.used import (
    ASK,
    ASK_TOOL,
    TEXT,
    ToolOutcome,
    TurnSpending,
    asked,
    names_of,
    texts,
    tool,
    unknown,
)
from engine.copilot.without_model.diagrams import Diagram
from engine.expressions.json_values import compact_json
from engine.people.access import Principal
from engine.plugins.registry import step_types
from engine.plugins.step import fields_schema
from engine.record.types.run import Run

if TYPE_CHECKING:
    from engine.copilot.proposals.proposals import Proposals
    from engine.workflows.workflow_files import WorkflowFiles

_LONGEST_SCHEMA = 8_000
_LONGEST_TEXT = 30_000
_MOST_NAMES = 6


TOOLS = (
    tool("step_types", "The full schemas of step types.", names={"type": "array", "items": TEXT}),
    tool("read_workflow", "The text of another workflow of this workspace.", name=TEXT),
    tool("run_facts", "Types, sizes and errors of a run, or of one step ('' for all).", run=TEXT, step=TEXT),
    tool(
        "propose",
        "Propose a change of the workflow. All operations in one call; `why` in one sentence.",
        ops={"type": "array", "items": {"type": "object"}},
        why=TEXT,
    ),
    tool("try_in_demo", "Run a proposal twice on the demo services; says what it would write.", proposal=TEXT),
    tool(
        "draw",
        "Show the person a diagram of the workflow, or of some steps by their ids, when you explain them.",
        steps={"type": "array", "items": TEXT},
    ),
    ASK_TOOL,
)
NAMES = names_of(TOOLS)


class Toolbox(Struct):
    """The tools of one turn."""

    p: Principal
    workflow: str
    base_rev: str
    about: About
    proposals: Proposals
    workflows: WorkflowFiles
    run_of: Callable[[str], Run]
    drawn: Callable[[Sequence[str]], Diagram | None]
    """Returns the diagram of some steps, or of the workflow if none are given. Raises UnknownName, InvalidInput."""
    from_outside: bool
    """Whether text from outside is in the conversation."""
    values_sent: list[str] = field(default_factory=list)
    """The paths of the steps whose values have been sent to the model."""
    repairs: int = 0
    run: Run | None = None
    """The run that the turn is about: the one that is named, or the last one if it has failed."""
    code: CodeStep | None = None
    """The selected step, if it is one that runs code."""
    form: AnswerForm = WithTools(TOOLS)

    def placed(self, part: AnswerPart) -> AnswerPart:
        """Return code with the selected step that it is for: the only one, which runs code of this language."""
        if part.kind != "code" or self.code is None or not self.code.speaks(part.language):
            return part
        return replace(part, step=self.code.step, field=CODE_FIELD)

    def use(self, name: str, given: JsonObject, spent: TurnSpending) -> ToolOutcome:
        """Use a tool. What is wrong with the call is the answer; raises only what stops the whole turn."""
        tools: Mapping[str, Callable[[JsonObject], ToolOutcome]] = {
            "step_types": self._step_types,
            "read_workflow": self._read_workflow,
            "run_facts": self._run_facts,
            "propose": partial(self._propose, spent=spent),
            "try_in_demo": partial(self._try_in_demo, spent=spent),
            "draw": self._draw,
            ASK: asked,
        }
        if name not in tools:
            return unknown(name, TOOLS)
        try:
            return tools[name](given)
        except (OrchestraError, ServiceError) as error:
            said = f"{error.message} {error.remedy}".strip()
            is_repair = name == "propose"
            return ToolOutcome(UsedTool(name, said, ok=False), {"error": said}, is_repair=is_repair, complaint=said)

    def run_told(self, run: Run, only: str = "") -> dict[str, Any]:
        """Return the facts of a run; with values, the conversation has text from outside from then on."""
        values = known_paths(run, self.about.values) if run["run_id"] == self.about.run_id else []
        if only:
            values = [one for one in values if one == only]
        if values:
            self.from_outside = True
            self.values_sent = list(dict.fromkeys([*self.values_sent, *values]))
        return run_facts(run, values, only)

    def _step_types(self, given: JsonObject) -> ToolOutcome:
        names, known = texts(given.get("names"))[:_MOST_NAMES], step_types()
        found: dict[str, Any] = {}
        for name in names:
            kind = known.get(name)
            if kind is None:
                found[name] = f"There is no step type {name!r}. {did_you_mean(name, list(known))}"
                continue
            schemas = {"fields": fields_schema(kind.fields), "output": kind.output_schema({}, {})}
            told = compact_json(schemas)
            found[name] = schemas if len(told) <= _LONGEST_SCHEMA else told[:_LONGEST_SCHEMA]
        return ToolOutcome(UsedTool("step_types", f"Looked at {', '.join(names) or 'no step type'}.", ok=True), found)

    def _read_workflow(self, given: JsonObject) -> ToolOutcome:
        name = str(given.get("name") or "")
        text = self.workflows.get(self.p, name).text
        return ToolOutcome(
            UsedTool("read_workflow", f"Read the workflow {name}.", ok=True), {"text": text[:_LONGEST_TEXT]}
        )

    def _run_facts(self, given: JsonObject) -> ToolOutcome:
        run_id, step = str(given.get("run") or ""), str(given.get("step") or "")
        run = self.run_of(run_id) if run_id else self.run
        if run is None:
            raise InvalidInput(f"The last run of {self.workflow!r} has not failed.", remedy="Name a run.")
        words = f"Looked at {f'the step {step} of ' if step else ''}the run {run['run_id']}."
        return ToolOutcome(UsedTool("run_facts", words, ok=True), marked(self.run_told(run, step)))

    def _propose(self, given: JsonObject, spent: TurnSpending) -> ToolOutcome:
        made = self.proposals.make(
            self.p,
            self.workflow,
            self.base_rev,
            placed_behind(given.get("ops"), self.about.selection),
            str(given.get("why") or ""),
            source="model",
            from_outside=self.from_outside,
            repairs=self.repairs,
            usage=ModelUse(spent.usage.input_tokens, spent.usage.output_tokens, spent.usage.cost_usd),
        )
        if made.is_acceptable:
            words = f"Proposed {_counted(made)}."
            part = AnswerPart("proposal", proposal_id=made.id)
            return ToolOutcome(UsedTool("propose", words, ok=True), _told(made), part)
        errors = told_problems(made.problems, self.proposals.steps_of(self.p, made))
        said = [one["message"] for one in errors]
        words = f"Proposed a change that does not compile: {said[0] if said else ''}"
        answer = {"problems": errors, "do": "Mend these, and propose all operations again."}
        complaint = json.dumps(sorted(said))
        return ToolOutcome(
            UsedTool("propose", words, ok=False), answer, is_repair=True, unfinished=made.id, complaint=complaint
        )

    def _try_in_demo(self, given: JsonObject, spent: TurnSpending) -> ToolOutcome:
        id_ = str(given.get("proposal") or "")
        made = self.proposals.try_in_demo(self.p, self.workflow, id_, spent.seconds_left)
        assert made.demo is not None, "it has run"
        told = replace(made.demo, run_id="")
        asks = sum(made.demo.asks.values())
        asked = f" It asks a person {counted(asks, 'time')}." if asks else ""
        words = f"Ran the proposal in the demo: {made.demo.status}, {sum(made.demo.writes.values())} writes.{asked}"
        return ToolOutcome(UsedTool("try_in_demo", words, ok=True), marked(vars(told) | {"second_run": _second(made)}))

    def _draw(self, given: JsonObject) -> ToolOutcome:
        found = self.drawn(texts(given.get("steps")))
        if found is None:
            return ToolOutcome(UsedTool("draw", "There is nothing to draw.", ok=False), {"drawn": False})
        part = AnswerPart("diagram", text=found.text, diagram=found)
        return ToolOutcome(UsedTool("draw", "Drew a diagram.", ok=True), {"drawn": True}, part)


def _counted(made: Proposal) -> str:
    return "a change of one step" if len(made.changes) == 1 else f"a change of {len(made.changes)} steps"


def _told(made: Proposal) -> dict[str, Any]:
    return {
        "proposal": made.id,
        "compiles": True,
        "changes": made.sentences,
        "warnings": [str(one) for one in made.problems],
        "the person must agree to": [one.words for one in made.ticks],
    }


def _second(made: Proposal) -> Any:
    assert made.demo is not None
    return vars(made.demo.second_run) if made.demo.second_run is not None else None
