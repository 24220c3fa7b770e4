"""Which steps run when an item of an earlier run is done again from a corrected answer."""

from __future__ import annotations

from engine.base.errors import InvalidInput
from engine.base.step_path import StepPath
from engine.compiler.definition.plan import Node, Plan
from engine.record.frames import Frame
from engine.record.parts.answer_effects import is_in, waited_for
from engine.record.parts.selection import LeftOut, Pinned, Selection
from engine.record.previous_run import EarlierRun, place_in
from engine.record.types.run import RunOptions


class Redoing(Selection):
    """The steps before the answer keep the outputs of the earlier run; steps behind it in the same item run as usual.

    In items of inner loops other than the one of the answer, steps keep their outputs, too.
    """

    def __init__(self, options: RunOptions, earlier: EarlierRun, plan: Plan) -> None:
        super().__init__(options, earlier)
        self._run, self._corrects = earlier, options["corrects"]
        self._step = StepPath.parse(self._corrects["step"])
        self._before = waited_for(plan, self._step.in_workflow) or frozenset()

    def of(self, node: Node, frame: Frame) -> Pinned | LeftOut | None:
        """Return what replaces a step; None if the step runs or contains one that runs. Raises InvalidFile."""
        path = frame.path_of(node)
        if path == self._step:
            return self._answer(node, frame)
        is_outside, is_before = self._where(path.parts) == "outside", is_in(node.path, self._before)
        if is_outside and not is_before:
            return LeftOut(f"Left out: it is not part of {self._name}, which was corrected.")
        if not is_before and not is_beside(path, self._step):
            return None
        recorded = self._recorded(node, frame)
        if isinstance(recorded, Pinned):
            return Pinned(recorded.output, is_recorded=True)
        return recorded if is_outside else None

    def _answer(self, node: Node, frame: Frame) -> Pinned:
        """Return the right answer, with what the model was asked."""
        known = self._run.step(place_in(frame, node.path))
        arguments = None if known is None else self._run.loaded(known["arguments"])
        return Pinned(self._pins[self._step.parts], f"Corrected by {self._corrects['by']}.", arguments)

    def item_left_out(self, frame: Frame) -> LeftOut | None:
        """Return why an item is skipped; None if it is not.

        Raises InvalidInput if the item to do again is another one now.
        """
        path = frame.path
        if path is None or not is_way(path, self._step):
            return None
        if self._where(path.parts) == "outside":
            return LeftOut(f"Left out: only {self._name} was corrected.")
        key, now = self._run.key(str(path)), frame.turns[-1].key
        if self._step.is_inside(path) and key != now:
            raise InvalidInput(
                f"The item {path} of run {self._run.run_id} was {key!r}, and it is {now!r} now.",
                remedy="The workflow has changed since: run it again.",
            )
        return None


def is_way(item: StepPath, step: StepPath) -> bool:
    """Return whether an item belongs to a loop around a step; it may be another item than the step's."""
    loop = item.parent
    return loop is not None and step.is_inside(loop)


def is_beside(path: StepPath, step: StepPath) -> bool:
    """Return whether a path leads through another item of a loop around a step."""
    return any(is_way(item, step) and not step.is_inside(item) for item in path.items())
