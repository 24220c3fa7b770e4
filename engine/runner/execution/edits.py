"""Which calls of a run people have edited before they approved them."""

from __future__ import annotations

from engine.record.events import StepFinished, StepStarted, StepWaiting
from engine.record.types.step import EditedCall


class CallEdits:
    """The calls that people have edited, as the events of a run say."""

    def __init__(self) -> None:
        self.calls: dict[str, EditedCall] = {}
        """By path."""
        self.reused: set[str] = set()
        """The paths of writes that an earlier run has made: nobody was asked about them."""

    def take(self, event: StepStarted | StepWaiting | StepFinished) -> None:
        """Note whether somebody has edited the call of a step."""
        if isinstance(event, StepFinished) and event.effect and event.effect.get("reused"):
            self.reused.add(event.path)
        approved, after = event.approved, event.arguments
        if not approved or not after:
            return
        before = approved.get("before")
        if before is None:
            self.calls.pop(event.path, None)  # of a question about an earlier attempt
            return
        changed = [name for name, value in after.items() if name not in before or before[name] != value]
        self.calls[event.path] = {"arguments": after, "changed": changed}
