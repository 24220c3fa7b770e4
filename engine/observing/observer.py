"""What the engine reports of its work while it works; whoever counts or traces it derives from `Observer`."""

from __future__ import annotations


class Observer:
    """Receives what happens, and ignores it. Called on the engine's loop, so no method may block."""

    def taken_up(self) -> None:
        """Work on a run begins or goes on in this process."""

    def begun(self) -> None:
        """A run began."""

    def resumed(self, *, by_person: bool) -> None:
        """A run goes on after a wait, a restart, an adoption, or because a person asked for it."""

    def ended(self, status: str) -> None:
        """The end of a run is stored."""

    def adopted(self, runs: int) -> None:
        """This process has taken over runs of others, which died or were silent for too long."""

    def fenced(self) -> None:
        """Another process has taken over the runs of this one."""

    def attempt_failed(self, uses: str) -> None:
        """An attempt at a call of a step type failed; another may follow."""

    def called(self, uses: str, seconds: float, *, is_good: bool) -> None:
        """A call of a step type ended, with all its attempts and the pauses between them."""

    def late(self, seconds: float) -> None:
        """The engine's loop did something so much later than it was due."""
