"""The step that runs another workflow, as a run of its own."""

from __future__ import annotations

from typing import Any

from engine.step import Call, CallWorkflow, Effect, Fields, Result, StepType, content, option


class RunFields(Fields):
    """Which workflow (its name is fixed, no expression), and what it gets."""

    workflow: str = option("Workflow", format="workflow", min_length=1)
    inputs: dict[str, Any] = content("Inputs by name", {})


class Run(StepType):
    """Run another workflow and wait for its end; its outputs are this step's output.

    It is a run of its own, linked with this one both ways. What it writes belongs to this step: once for each item of
    a loop with `key`, however often the loop runs.
    """

    name = "workflow.run"
    title = "Run a workflow"
    effect = Effect.PURE
    fields = RunFields

    def call(self, call: Call) -> Result:
        """Ask the engine to run it."""
        return CallWorkflow(call.fields.workflow, call.fields.inputs)
