"""The `agent_tries` area: let the text of an agent work in the demo, saved or not."""

from __future__ import annotations

from engine.agents.compiled_agents import CompiledAgents
from engine.base.json_text import JsonObject
from engine.base.names import checked_name
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.people.operation import operation
from engine.runs.trials.trials import Trial, Trials
from engine.store.acceptances import IdempotentRequest


class AgentTries:
    """An agent at work on the stand-ins of all services, while its text is edited."""

    def __init__(self, compiled: CompiledAgents, trials: Trials) -> None:
        self._compiled, self._trials = compiled, trials

    @operation("agents.try", "run", "try agents", "Try an agent in the demo")
    def start(
        self, p: Principal, name: str, text: str, task: str, variables: JsonObject, *, request_key: str | None = None
    ) -> str:
        """Let the agent in `text` work on a task with the stand-ins of all services; return the id of its run.

        No real account is used, whatever the settings are. Repeating a `request_key` returns the same run. Raises
        InvalidFile with every problem, InvalidInput (the task, a variable), StorageError.
        """
        sent = {"text": text, "task": task, "variables": variables}
        request = IdempotentRequest.if_keyed(request_key, f"try agent {name}", sent)

        def tried() -> tuple[Plan, Trial]:
            plan = self._compiled.plan(checked_name("agent", name), text)
            return plan, Trial({"task": task, "variables": variables})

        return self._trials.start(p, tried, "agents.try", request)
