"""The step type of a tool: of the workspace, or of an MCP server."""

from __future__ import annotations

import json
from functools import lru_cache

from engine.base.definitions import WorkspaceTool
from engine.plugins.step import StepType
from engine.tools.mcp_step import mcp_type
from engine.tools.step import own_type


def step_type_of(definition: WorkspaceTool) -> StepType:
    """Return the step type of a tool; the same for the same definition."""
    return _made(json.dumps(definition))


@lru_cache(maxsize=256)
def _made(definition: str) -> StepType:
    tool = json.loads(definition)
    return mcp_type(tool) if "connection" in tool else own_type(tool)
