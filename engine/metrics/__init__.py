"""Metrics in the formats of Prometheus: figures of the workspace, and of what happened in this process."""
