"""A step `agent.run` is a call of the workflow that its agent is."""

from __future__ import annotations

from engine.base.step_tree import AGENT, CALL, agent_workflow
from engine.compiler.checks.report import Report
from engine.compiler.definition.model import WorkflowModel


def call_agents(model: WorkflowModel, report: Report) -> None:
    """Turn each step that runs an agent into the call; problems of its fields are reported where they are written."""
    for node in model.nodes():
        step, place = node.step, (*node.place, "with")
        if step.uses != AGENT:
            continue
        given = step.with_
        agent = given.get("agent")
        if not isinstance(agent, str) or not agent:
            report.add(place, "agent.run needs 'agent'.", "missing_field", "Name one of the files in agents/.")
        if "task" not in given:
            report.add(place, "agent.run needs 'task'.", "missing_field", "Say what the agent is to do.")
        inputs = {"task": given.get("task", "…"), "variables": given.get("variables", {})}
        step.uses = CALL
        step.with_ = {"workflow": agent_workflow(agent) if isinstance(agent, str) else "", "inputs": inputs}
        report.renamed[*place, "workflow"] = (*place, "agent")
        report.renamed.update({(*place, "inputs", name): (*place, name) for name in inputs})
