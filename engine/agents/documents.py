"""The documents of workflows, including the workflows that agents become."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.base.json_text import JsonObject
from engine.base.step_tree import AGENT_PREFIX, agent_reference
from engine.compiler.definition.environment import Workflows

if TYPE_CHECKING:
    from engine.agents.store import AgentStore


def with_agents(store: Callable[[], AgentStore], workflows: Workflows) -> Workflows:
    """Return a function that finds the documents of workflows, including those that the agents in `store()` become.

    For an agent, it raises UnknownName, and InvalidFile with every problem of its file.
    """

    def document(name: str) -> JsonObject:
        if not name.startswith(AGENT_PREFIX):
            return workflows(name)
        from engine.agents.expansion import workflow_of  # 30 modules, which most runs do without
        from engine.agents.store import read_agent

        reference = agent_reference(name)
        return workflow_of(reference, read_agent(store().resolve(reference)))

    return document
