"""Environment variables with which one of our processes configures another."""

from __future__ import annotations

WORKSPACE_VARIABLE = "ORCHESTRA_WORKSPACE"
"""The workspace folder; default: the current folder."""
DEMO_VARIABLE = "ORCHESTRA_ALL_DEMO"
"""1: every service is replaced by its stand-in, and cannot be switched back."""
PARENT_VARIABLE = "ORCHESTRA_PARENT_PID"
"""Set by the parent process that restarts the server when it dies."""
