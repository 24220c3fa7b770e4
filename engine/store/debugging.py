"""The port of debug runs: the breakpoints of a run and how far it may go, which any process may change meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from engine.base.step_path import StepPath, in_workflow, loop_of

Why = Literal["breakpoint", "step"]
"""Why a call pauses: it has a breakpoint, or the run goes step by step."""


class DebugState(NamedTuple):
    """How far a debug run may go. A call that pauses keeps the turn in which it paused; a later turn lets it go."""

    breakpoints: tuple[str, ...]
    """Paths of steps, `each_mail.classify`, or of one repetition, `each_mail[3].classify`."""
    is_stepping: bool
    """Whether every call pauses, not only those with a breakpoint."""
    turn: int = 0
    """How often the run was continued."""
    released: tuple[str, ...] = ()
    """The paths of the calls that were let go one by one, in this turn."""
    passed: tuple[str, ...] = ()
    """The paths of the loops in which nothing pauses any more."""

    @staticmethod
    def begun(breakpoints: Sequence[str]) -> DebugState:
        """Return the state in which a run begins: without breakpoints it pauses at its first step."""
        return DebugState(tuple(breakpoints), is_stepping=not breakpoints)

    def why_pauses(self, path: str) -> Why | None:
        """Return why a call that has not paused before pauses; None if it does not pause."""
        if path in self.released or self._has_passed(path):
            return None
        if path in self.breakpoints or in_workflow(path) in self.breakpoints:
            return "breakpoint"
        return "step" if self.is_stepping else None

    def lets_go(self, path: str, turn: int) -> bool:
        """Return whether a call that has paused in a turn may be made."""
        return turn < self.turn or path in self.released

    def _has_passed(self, path: str) -> bool:
        return bool(self.passed) and any(StepPath.parse(path).is_inside(StepPath.parse(one)) for one in self.passed)

    def stepped(self, path: str | None) -> DebugState:
        """Return the state in which one paused call is made (None: no call has paused), and every other one pauses."""
        released = self.released if path is None else (*self.released, path)
        return self._replace(is_stepping=True, released=released)

    def continued(self, last_turn: int) -> DebugState:
        """Return the state in which all paused calls are made; `last_turn`: the latest in which one has paused."""
        return self._replace(is_stepping=False, turn=max(self.turn, last_turn) + 1, released=())

    def past_loop(self, path: str) -> DebugState:
        """Return the state in which nothing more pauses in the innermost loop around a step."""
        return self._replace(passed=(*self.passed, innermost_loop(path)))

    def without(self, path: str) -> DebugState:
        """Return the state without the breakpoints at a step."""
        return self._replace(breakpoints=tuple(one for one in self.breakpoints if one not in (path, in_workflow(path))))


def innermost_loop(path: str) -> str:
    """Return the path of the innermost loop around a step, "" outside loops: `each_mail` of `each_mail[3].task`."""
    items = list(StepPath.parse(path).items())
    return loop_of(str(items[-1])) if items else ""


class DebugStore(Protocol):
    """Keeps the state of open debug runs; any thread."""

    def get(self, run_id: str) -> DebugState | None:
        """Return the state of a run, None if nobody has changed it since its start."""

    def change(self, run_id: str, change: Callable[[DebugState | None], DebugState], at: str) -> bool:
        """Replace the state of an open run, and wake the run if it waits; return False if it has ended.

        `at`: the time, RFC 3339 text in UTC. If `change` raises, the state stays.
        """


class DebuggedRuns(Protocol):
    """What a process asks of the debug runs that it works on; on the engine's loop."""

    def state(self, run_id: str) -> DebugState | None:
        """Return the state of a run, None if nobody has changed it since its start."""
