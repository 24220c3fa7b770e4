"""A folder with config.yaml, workflows, prompts and logs: where everything of it lies."""

from __future__ import annotations

from pathlib import Path

from engine.clock import Clock, utc_now
from engine.workspace.shelf import Shelf


class Workspace:
    """Where everything of a workspace lies; `state_dir` may be relative to it."""

    def __init__(self, root: Path, state_dir: str | Path = ".orchestra", clock: Clock = utc_now) -> None:
        self.root = root.resolve()
        self.state_dir = self.root / state_dir
        self.logs = self.root / "logs"
        self.clock = clock
        self.workflows = Shelf(self.root, self.state_dir, "workflow", clock)
        self.prompts = Shelf(self.root, self.state_dir, "prompt", clock)
