"""The step that runs another workflow as a run of its own."""

from __future__ import annotations

from engine.plugins.step import Call, CallWorkflow, Effect, Fields, JsonValue, Result, StepType, content, option


class RunFields(Fields):
    """The workflow (a constant name, not an expression), and its inputs."""

    workflow: str = option("Workflow", format="workflow", min_length=1)
    inputs: dict[str, JsonValue] = content("Inputs by name", {})


class RunWorkflow(StepType):
    """Run another workflow and wait until it ends; its outputs are this step's output.

    It is a separate run; both runs link to each other. Its writes belong to this step: they are made once
    for each item of a loop with `key`, however often the loop runs.
    """

    name = "workflow.run"
    title = "Run a workflow"
    is_tool = True
    effect = Effect.PURE
    fields = RunFields

    def call(self, call: Call) -> Result:
        """Ask the engine to run it."""
        return CallWorkflow(call.fields.workflow, call.fields.inputs)
