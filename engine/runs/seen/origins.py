"""Where the value of an expression comes from: the mail, document, tool or answer that it goes back to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from engine.base.errors import UnknownName
from engine.base.services import service_of
from engine.base.step_path import in_workflow
from engine.plugins.registry import is_of_workspace, link_word, step_type
from engine.record.definitions import steps_of
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

Source = Literal["prompt", "variable", "mail", "document", "tool", "model", "service"]
"""`prompt`: the prompt's own text; `variable`: a value of the workflow or its inputs; `service`: any other service."""
_NAMED = re.compile(r"\b(steps|inputs)\.(\w+)")
_WORDS: Mapping[str, Source] = {
    **dict.fromkeys(("Mail", "Message"), "mail"),
    **dict.fromkeys(("File", "Page", "Spreadsheet"), "document"),
}
_CUT = ("truncated", "is_cut")
"""Members of outputs that say that not all is in them."""


class SeenOrigin(Struct, frozen=True):
    """Where a value comes from."""

    source: Source
    step: str = ""
    """The id of the step that gave it, empty for an input or a value of the workflow."""
    uses: str = ""
    cut: str = ""
    """What is missing in it, as a sentence; empty if nothing is known to be."""


class SeenOrigins:
    """The origins of the values in one run."""

    def __init__(self, run: Run) -> None:
        self._run, self._steps = run, steps_of(run["definition"]["workflow"])

    def of(self, written: Any, path: str) -> SeenOrigin:
        """Return the origin of what is written in a field of the step at a run path: the first that is no input."""
        found = list(self._sources(json.dumps(written, ensure_ascii=False), in_workflow(path), set()))
        return next((one for one in found if one.source != "variable"), found[0] if found else SeenOrigin("variable"))

    def written(self, path: str) -> Mapping[str, Any]:
        """Return the fields of a step as the workflow has them."""
        found: Mapping[str, Any] = self._steps.get(in_workflow(path), {}).get("with") or {}
        return found

    def _sources(self, text: str, path: str, seen: set[str], *, is_item: bool = False) -> Iterator[SeenOrigin]:
        """Yield what a text with expressions goes back to, following steps that only compute, and loops.

        `is_item`: only one of the things that it lists is meant.
        """
        for kind, name in _NAMED.findall(text):
            if kind == "inputs":
                yield self._input()
            elif name not in seen:
                seen.add(name)
                yield from self._step(name, path, seen, is_item=is_item)
        parts = path.split(".")
        for depth in range(len(parts), 0, -1):
            around = ".".join(parts[:depth])
            loop = self._steps.get(around, {})
            if "foreach" in loop and around not in seen and re.search(rf"\b{loop.get('as') or 'item'}\b", text):
                seen.add(around)
                yield from self._sources(json.dumps(loop["foreach"]), around, seen, is_item=True)

    def _step(self, name: str, path: str, seen: set[str], *, is_item: bool) -> Iterator[SeenOrigin]:
        near = path.split(".")[:-1]
        places = [".".join([*near[:depth], name]) for depth in range(len(near), -1, -1)]
        found = next((one for one in places if one in self._steps), None)
        if found is None:
            return
        step = self._steps[found]
        uses = str(step.get("uses") or "")
        if uses and not _only_computes(uses):
            yield SeenOrigin(source_of(uses), name, uses, self._cut(found, is_item=is_item))
        else:  # also a group or a loop: what is in it
            inner = [one for place, one in self._steps.items() if place.startswith(f"{found}.")]
            for one in [*inner[::-1], step]:
                if one.get("uses") and not _only_computes(str(one["uses"])):
                    yield SeenOrigin(
                        source_of(str(one["uses"])), name, str(one["uses"]), self._cut(found, is_item=is_item)
                    )
                else:
                    yield from self._sources(json.dumps(one.get("with") or {}), found, seen, is_item=is_item)

    def _input(self) -> SeenOrigin:
        """Return the origin of the inputs: what a trigger has found, or what somebody has given."""
        trigger = self._run.get("trigger")
        for one in self._run["definition"]["workflow"].get("triggers") or () if trigger else ():
            if trigger and one["id"] == trigger["id"]:
                return SeenOrigin(source_of(one["uses"]), "", one["uses"])
        return SeenOrigin("variable")

    def _cut(self, path: str, *, is_item: bool) -> str:
        """Return what is missing in the output of a step; `is_item`: in one of the things that it lists."""
        same = [one for one in self._run["steps"] if in_workflow(one["path"]) == path]
        found = [one for one in same if not (is_item and _has_more(one))]
        return next(filter(None, map(cut_of, found)), "")


def _has_more(step: StepRecord) -> bool:
    """Return whether a step has listed only some things: its note is about the list, and not about one of them."""
    return isinstance(step["output"], dict) and step["output"].get("has_more") is True


def cut_of(step: StepRecord) -> str:
    """Return what is missing in the output of a step, as a sentence; empty if nothing is known to be."""
    output = step["output"] if isinstance(step["output"], dict) else {}
    said = [step.get("note"), output.get("left_out")]
    is_cut = any(output.get(name) is True for name in _CUT)
    return next((one for one in said if isinstance(one, str) and one), "Only the first part of it." if is_cut else "")


def source_of(uses: str) -> Source:
    """Return the kind of what a step or trigger gives."""
    service = service_of(uses.partition(".")[0])
    if is_of_workspace(uses) or (service is not None and service.runs_code):
        return "tool"
    if uses.startswith("llm.") or (service is not None and service.kind == "model"):
        return "model"
    if service is not None and service.kind == "drive":
        return "document"
    return _WORDS.get(link_word(uses), "service")


def _only_computes(uses: str) -> bool:
    if is_of_workspace(uses):
        return False
    try:
        return step_type(uses).service is None
    except UnknownName:  # a step type of an earlier release
        return False
