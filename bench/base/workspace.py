"""The files of a workspace to measure, and who works in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.people.access import Principal

OWNER = Principal("bench", "owner").agreeing(confirmed=True)


def make(root: Path, workflows: Mapping[str, Any], config: str = "connections: {}\n") -> None:
    """Write a workspace at `root` with these workflows by name."""
    for name in ("workflows", "prompts", "logs"):
        (root / name).mkdir(parents=True)
    (root / "config.yaml").write_text(config, encoding="utf-8")
    for name, document in workflows.items():
        (root / "workflows" / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")


def chain(steps: int) -> dict[str, Any]:
    """Return a workflow of steps that only pass a number on, each from the one before."""
    listed = [{"id": "s0", "uses": "flow.set", "with": {"values": {"n": 0}}}]
    for number in range(1, steps):
        value = f"{{{{ steps.s{number - 1}.output.n }}}}"
        listed.append({"id": f"s{number}", "uses": "flow.set", "with": {"values": {"n": value}}})
    return {"schema_version": 1, "title": "Chain", "steps": listed}
