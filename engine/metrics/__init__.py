"""Metrics in the formats of Prometheus: figures of the workspace, and of what happened in this process.

Begin with `workspace.py`; a new figure is one family there or in `process.py`. Used by `GET /metrics`.
"""
