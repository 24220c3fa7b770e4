"""A folder with config.yaml, workflows, prompts and logs, and the paths of its parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.base.clock import Clock, utc_now
from engine.base.services import services
from engine.files.atomic import close_to_others, is_open_to_others, make_private
from engine.store.texts.folder import FolderTexts
from engine.store.texts.texts import TextStore
from engine.workspace.file_store import FileStore
from engine.workspace.workflow_ids import WorkflowIds

_STATE = (
    *("state.db*", "serve.*", "writes.list*", "paces.db*", "*.lock", "*.log", "*.log.1"),
    *("demo", "owners", "versions", "trash", "tries", "secrets"),
)
"""The names in a state folder, without the files of services."""


class Workspace:
    """The paths of a workspace; `state_dir` may be relative to it."""

    def __init__(
        self,
        root: Path,
        state_dir: str | Path = ".orchestra",
        clock: Clock = utc_now,
        texts: Callable[[Path], TextStore] = FolderTexts,
    ) -> None:
        """`texts` returns where the texts of the state are kept, given its folder."""
        self.root = root.resolve()
        self.state_dir = self.root / state_dir
        self.logs = self.root / "logs"
        self.clock = clock
        self.texts = kept = texts(self.state_dir)
        self.workflows = FileStore(self.root, self.state_dir, "workflow", clock, texts=kept)
        self.workflow_ids = WorkflowIds(self.workflows)
        self.prompts = FileStore(self.root, self.state_dir, "prompt", clock, texts=kept)
        self.agents = FileStore(self.root, self.state_dir, "agent", clock, texts=kept)
        self.users = self.workflows, self.agents
        """The files that use prompts, agents and tools: `engine.workspace.references`."""
        self.environments = FileStore(self.root, self.state_dir, "environment", clock, texts=kept)
        self.fragments = FileStore(self.root, self.state_dir, "fragment", clock, "prompts/fragments", ".md", kept)

    def make_private(self) -> None:
        """Make logs and state private, in workspaces made before this was so from the start.

        A day of logs that is closed to others is skipped. Only our own files are changed, as a state folder outside the
        workspace may hold other things. Keys are left as they are: people who could read them may know them by now, and
        the owner must be warned.
        """
        logs, state = self.logs.resolve(), self.state_dir.resolve()
        for day in logs.glob("*"):
            if is_open_to_others(day) or day.name.startswith("."):
                make_private(day)
        if is_open_to_others(logs):
            close_to_others(logs)
        is_ours = state != self.root and state.is_relative_to(self.root)
        for pattern in ("*",) if is_ours else (*_STATE, *_shared()):
            for path in state.glob(pattern):
                if path.suffix != ".key":
                    make_private(path)
        if is_ours:
            close_to_others(state)


def _shared() -> list[str]:
    """Return the names of the files that the clients of services share, and of those that their databases add."""
    return [f"{name}*" for one in services() for name in (one.shared_file, one.demo_file) if name]
