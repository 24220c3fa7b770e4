"""Tools: step types that the people of a workspace write themselves, in `tools/NAME`.

Begin with `tool_file.py` (what a tool is) and `running.py` (its code in the sandbox). `accepted.py` and `mcp_step.py`
do the same for tools of MCP servers. `tools.py`, `editing.py` and `servers.py` are areas for front ends.
"""
