"""The text of a workflow with its steps by id: where an operation finds what it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property, lru_cache
from typing import Any

from clients.wording import did_you_mean, listed
from engine.base.errors import InvalidFile, InvalidInput
from engine.base.step_tree import FAILURE, ON_ERROR, StepDefinition, StepNode, step_nodes
from engine.documents.json_edited import edited
from engine.documents.json_file import JsonFile, JsonPath, parse
from engine.documents.json_splice import Splice, spliced
from engine.workflows.editing.step_homes import STEPS, StepHomes, step_homes

_SHOWN = 12
_MANY = 20
"""From so many splices on, it is quicker to read the whole text again than to apply them one by one."""


class StepsInText:
    """One text of a workflow. Every method raises InvalidInput for a step that it cannot find."""

    def __init__(self, file: JsonFile, before: StepHomes | None = None) -> None:
        """`before`: where the steps of an earlier text were."""
        self.file, self._before = file, before
        self.document: Mapping[str, Any] = file.value

    def after(self, splices: Sequence[Splice]) -> StepsInText:
        """Return the steps of the text after splices. Raises as `read`."""
        new = self.file
        if len(splices) > _MANY:
            new = parse(spliced(new.text, splices), new.file)
        else:
            for one in splices:
                new = edited(new, one)
        # The homes of this text only if somebody has asked for them: an edit need not compute them.
        return StepsInText(_object(new), vars(self).get("_homes", self._before))

    @cached_property
    def _homes(self) -> StepHomes | None:
        """Where each step is; None if that is not clear from the ids."""
        return step_homes(self.document) if self._before is None else self._before.after(self.document)

    @cached_property
    def nodes(self) -> list[StepNode[StepDefinition]]:
        """All steps, outer before inner, in file order."""
        return list(step_nodes(self.document))

    @cached_property
    def _places(self) -> dict[str, StepNode[StepDefinition]]:
        """The first step with each id, in file order."""
        found: dict[str, StepNode[StepDefinition]] = {}
        for node in self.nodes:
            id_ = node.step.json.get("id")
            if isinstance(id_, str) and id_:
                found.setdefault(id_, node)
        return found

    @cached_property
    def _twice(self) -> Counter[str]:
        """The ids that several steps have."""
        if len(self._places) == len(self.nodes):
            return Counter()
        return Counter({id_: count for id_, count in Counter(one.step.id for one in self.nodes).items() if count > 1})

    @property
    def ids(self) -> AbstractSet[str]:
        """The ids of all steps."""
        return set(self._places if self._homes is None else self._homes)

    def node(self, step: str) -> StepNode[StepDefinition]:
        """Return a step by its id."""
        if self._homes is not None and step in self._homes:
            return self._homes.node(step)
        if step not in self._places:
            ids = list(self._places)
            near = did_you_mean(step, ids)
            known = f"There are: {listed(ids[:_SHOWN])}." if ids else "The workflow has no steps."
            raise InvalidInput(f"There is no step {step!r}.", remedy=near or known, unknown_step=step)
        if step in self._twice:
            line, _ = self.file.place((*self._places[step].place, "id"))
            raise InvalidInput(
                f"{self._twice[step]} steps have the id {step!r}, the first in line {line}.",
                remedy="Give each an id of its own in the text first.",
            )
        return self._places[step]

    def list_in(self, into: str) -> JsonPath | None:
        """Return the path of the list of steps that `into` names, None if it is to be made first."""
        if into == "":
            return (STEPS,) if isinstance(self.document.get(STEPS), list) else None
        if into == FAILURE and into not in self.ids:
            return self._failure_list()
        group, dot, rest = into.partition(".")
        node = self.node(group)
        if not dot:
            if node.step.is_group and isinstance(node.step.json[STEPS], list):
                return (*node.place, STEPS)
            raise InvalidInput(f"The step {group!r} is not a group.", remedy="Wrap it into one, or name a group.")
        if rest != ON_ERROR:
            raise InvalidInput(
                f"{into!r} cannot hold steps.",
                remedy=f"Write {group!r} for its steps, or '{group}.{ON_ERROR}' for those that run when it fails.",
            )
        return self._fallback_list(node)

    def _failure_list(self) -> JsonPath | None:
        after = self.document.get(FAILURE)
        if isinstance(after, list):
            return (FAILURE,)
        return (FAILURE, STEPS) if isinstance(after, Mapping) and isinstance(after.get(STEPS), list) else None

    def _fallback_list(self, node: StepNode[StepDefinition]) -> JsonPath | None:
        handler = node.step.json.get(ON_ERROR)
        if isinstance(handler, Mapping) and isinstance(handler.get(STEPS), list):
            return (*node.place, ON_ERROR, STEPS)
        return None

    def holder_of(self, into: str) -> JsonPath:
        """Return the path of the object in which the list that `into` names is to be made."""
        return () if into in ("", FAILURE) else self.node(into.partition(".")[0]).place

    def siblings(self, steps: list[str]) -> tuple[JsonPath, int]:
        """Return (path of their list, index of the first) of steps that follow each other in one list.

        Raises InvalidInput if they do not, or if one is named twice.
        """
        if len(set(steps)) < len(steps):
            raise InvalidInput(f"A step is named twice: {listed(steps)}.", remedy="Name each once.")
        places = [self.node(step).place for step in steps]
        around, indexes = places[0][:-1], sorted(int(place[-1]) for place in places)
        if {place[:-1] for place in places} != {around} or indexes[-1] - indexes[0] != len(steps) - 1:
            raise InvalidInput(
                f"The steps {listed(steps)} do not follow each other in one list.",
                remedy="Move them side by side first.",
            )
        return around, indexes[0]


@lru_cache(maxsize=8)
def read(text: str, file: str) -> StepsInText:
    """Return the steps of a text, for reading only. Raises InvalidFile for a text that is not a JSON object."""
    return StepsInText(_object(parse(text, file)))


def _object(file: JsonFile) -> JsonFile:
    if not isinstance(file.value, dict):
        raise InvalidFile(f"{file.file} does not contain a JSON object.", remedy="Correct the text first.")
    return file
