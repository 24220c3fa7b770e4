"""The text of a workflow with its steps by id: where an operation finds what it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

from engine.base.errors import InvalidFile, InvalidInput
from engine.base.step_tree import FAILURE, ON_ERROR, Place, StepDefinition, StepNode, step_nodes
from engine.base.wording import did_you_mean, listed
from engine.documents.json_edited import edited
from engine.documents.json_file import JsonFile, JsonPath, parse
from engine.documents.json_splice import Splice

STEPS = "steps"
_SHAPE = (STEPS, ON_ERROR, FAILURE)
"""The members that hold steps."""
_SHOWN = 12


class StepsInText:
    """One text of a workflow. Every method raises InvalidInput for a step that it cannot find."""

    def __init__(self, file: JsonFile) -> None:
        self.file = file
        self.document: Mapping[str, Any] = file.value

    def after(self, splice: Splice) -> StepsInText:
        """Return the steps of the text after a splice. Raises as `read`."""
        new, path = edited(self.file, splice)
        found = StepsInText(_object(new))
        if path is not None and "nodes" in vars(self):
            self._carry(found, path)
        return found

    def _carry(self, found: StepsInText, path: JsonPath) -> None:
        """Hand on what is known of the steps if only a field of one, or of the workflow, has changed."""
        around = [node for node in self.nodes if node.place == path[: len(node.place)]]
        inner = max(around, key=lambda node: len(node.place), default=None)
        place = () if inner is None else inner.place
        old, new = (_at(one, place) for one in (self.document, found.document))
        if any(old.get(key) is not new.get(key) for key in _SHAPE) or old.get("id") != new.get("id"):
            return
        if inner is None:
            found.nodes, found._places = self.nodes, self._places
        elif not any(node.parent is inner for node in self.nodes):
            now = replace(inner, step=StepDefinition(new))
            found.nodes = [now if node is inner else node for node in self.nodes]
            found._places = {id_: now if node is inner else node for id_, node in self._places.items()}
        else:
            return
        found._twice = self._twice

    @cached_property
    def nodes(self) -> list[StepNode[StepDefinition]]:
        """Every step."""
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
    def ids(self) -> list[str]:
        """The ids of all steps, in file order."""
        return list(self._places)

    def node(self, step: str) -> StepNode[StepDefinition]:
        """Return a step by its id."""
        if step not in self._places:
            near = did_you_mean(step, self.ids)
            known = f"There are: {listed(self.ids[:_SHOWN])}." if self.ids else "The workflow has no steps."
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
        if into == FAILURE and into not in self._places:
            return self._failure_list()
        group, dot, rest = into.partition(".")
        node = self.node(group)
        if not dot:
            if node.step.is_group and isinstance(node.step.json[STEPS], list):
                return (*node.place, STEPS)
            raise InvalidInput(f"The step {group!r} is not a group.", remedy="Wrap it into one, or name a group.")
        if rest != ON_ERROR:
            raise InvalidInput(
                f"{into!r} is no place for steps.",
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


def _at(document: Any, place: Place) -> Any:
    for part in place:
        document = document[part]
    return document
