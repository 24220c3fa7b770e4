"""How far a workspace has come with its first run; kept in the state, so that it can be continued another day."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from clients.check_line import CheckLine
from engine.store.settings import Settings

StepId = Literal["mailbox", "model", "tasks", "plan", "start"]
STEPS: tuple[StepId, ...] = get_args(StepId)
CHOSEN: tuple[StepId, ...] = STEPS[:3]
"""The steps in which something is chosen."""
_KEY = "first_run"


@dataclass(frozen=True)
class FirstRunProgress:
    """What was chosen and skipped."""

    chosen: dict[str, str] = field(default_factory=dict)
    """The choice of each step: a service, `demo` or `none`."""
    target: str = ""
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, list[CheckLine]] = field(default_factory=dict)
    """The lines of the last check of a step, if it failed."""
    workflow: str = ""
    """The name of the workflow, once it was written."""
    text: str = ""
    """As it was written: a workflow that somebody has changed since is left as it is."""

    def with_choice(self, step: StepId, choice: str, target: str, lines: list[CheckLine]) -> FirstRunProgress:
        """Return the progress after a choice."""
        failed = {one: kept for one, kept in self.failed.items() if one != step}
        if not all(line.ok for line in lines):
            failed[step] = lines
        return replace(
            self,
            chosen={**self.chosen, step: choice},
            target=target if step == "tasks" else self.target,
            skipped=[one for one in self.skipped if one != step],
            failed=failed,
        )


class ProgressStore:
    """Reads and writes the progress of a workspace. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def get(self) -> FirstRunProgress:
        """Return the progress; an empty one if nothing was kept."""
        return _read(self._settings.get(_KEY))

    def change(self, change: Callable[[FirstRunProgress], FirstRunProgress]) -> None:
        """Replace the progress with the result of `change`."""
        self._settings.change(_KEY, lambda text: json.dumps(asdict(change(_read(text))), ensure_ascii=False))


def _read(text: str) -> FirstRunProgress:
    kept: dict[str, Any] = json.loads(text) if text else {}
    failed = {step: [CheckLine(**line) for line in lines] for step, lines in kept.pop("failed", {}).items()}
    return FirstRunProgress(**kept, failed=failed)
