"""Questions that two runs of a workflow ask about the same: nobody should answer both without knowing."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

from dashboard.base.language import t
from engine.base.json_text import compact
from engine.base.step_path import in_workflow
from engine.runs.approvals import Approval


@dataclass(frozen=True)
class AskedAgain:
    """Another open question about the same."""

    other: Approval
    is_later: bool
    """Whether the other one is of a later run."""

    @property
    def words(self) -> str:
        """Return it as the row and the letter say it."""
        return t("asked again by a later run") if self.is_later else t("an earlier run asks the same")


class OpenQuestions:
    """Questions, each with those about the same.

    The same are: the step of the workflow, and the arguments of the call, or else the mail (or other object) that its
    text comes from; without a call, the message and the details.
    """

    def __init__(self, questions: Iterable[Approval]) -> None:
        self._alike: dict[Hashable, list[Approval]] = {}
        for one in sorted(questions, key=_order):
            for key in _keys(one):
                self._alike.setdefault(key, []).append(one)

    def again(self, one: Approval) -> AskedAgain | None:
        """Return the question of another run about the same: the next later one, or else the last earlier one."""
        alike = ([two for two in self._alike.get(key, ()) if two.run_id != one.run_id] for key in _keys(one))
        same = next(filter(None, alike), [])
        later = [two for two in same if _order(two) > _order(one)]
        if later:
            return AskedAgain(later[0], is_later=True)
        return AskedAgain(same[-1], is_later=False) if same else None


def _order(one: Approval) -> tuple[str, str]:
    return one.asked_at, one.run_id


def _keys(one: Approval) -> Iterator[Hashable]:
    """Yield by what a question is the same as another, the surest first."""
    step = (one.workflow, in_workflow(one.path), "" if one.call is None else one.call.account)
    yield step, "asked", *((one.message, compact(one.details)) if one.call is None else (compact(one.call.arguments),))
    source = None if one.call is None else one.call.source
    if source is not None and source.text:
        yield step, "source", source
