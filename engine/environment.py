"""Environment variables by which one process of ours tells another what to serve."""

from __future__ import annotations

WORKSPACE_VARIABLE = "ORCHESTRA_WORKSPACE"
"""The workspace; else the current folder."""
DEMO_VARIABLE = "ORCHESTRA_ALL_DEMO"
"""1: every service is its stand-in, and cannot be switched."""
PARENT_VARIABLE = "ORCHESTRA_PARENT_PID"
"""Set by the parent that starts the serving process again when it dies."""
