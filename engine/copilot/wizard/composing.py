"""Choices as operations of the canvas."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.copilot.wizard.filters import conditions, gmail_query, step_fields
from engine.copilot.wizard.parts import OfInputs, OfItem, Parts, WholeParts
from engine.copilot.wizard.places import filled_in
from engine.copilot.wizard.records import Choices, Chosen, ItemCount, WhenToStart
from engine.copilot.wizard.sources import BY_NAME as SOURCES
from engine.copilot.wizard.sources import ItemSource
from engine.copilot.wizard.targets import BY_NAME as TARGETS
from engine.copilot.wizard.targets import WizardTarget
from engine.plugins.registry import step_type

Operation = dict[str, Any]
Step = dict[str, Any]
OTHER = {"other": "anything else"}
_MOST_AT_ONCE = 256
"""Items of a loop, as its `parallel` allows."""
_TRIES: Mapping[str, Any] = {"retry": {"attempts": 3, "backoff_seconds": 2}, "timeout_seconds": 60}


@dataclass
class Composing:
    """The operations that make a workflow of choices which have been checked."""

    choices: Choices
    taken: Collection[str]
    """The ids that the workflow has already."""
    title: str
    source: ItemSource = field(init=False)
    _ids: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.source = SOURCES[self.choices.source]

    def operations(self) -> list[Operation]:
        """Return the operations, in the order of the text."""
        if self._is_event:
            return self._from_event()
        steps = [self._listing()]
        items = f"steps.{self._id(self.source.items)}.output.{self.source.member}"
        where = conditions(self.source, self.choices.only, "one")
        items = f"{items}.filter(one, {where})" if where else items
        steps += self._of_each(items) if self.choices.amount is ItemCount.EACH else self._of_all(items)
        return [*self._starts(), *({"op": "add", "step": one} for one in steps)]

    @property
    def _is_event(self) -> bool:
        """Whether the items come from a trigger alone."""
        return self.choices.start is WhenToStart.NEW and not self.source.ids

    def _id(self, wanted: str) -> str:
        """Return an id that is free; the same for the same wish."""
        if wanted not in self._ids:
            found, number = wanted, 2
            while found in self.taken or found in self._ids.values():
                found, number = f"{wanted}_{number}", number + 1
            self._ids[wanted] = found
        return self._ids[wanted]

    def _fresh(self, wanted: str) -> str:
        """Return an id that nothing has yet."""
        found, number = wanted, 2
        while found in self.taken or found in self._ids or found in self._ids.values():
            found, number = f"{wanted}_{number}", number + 1
        self._ids[found] = found
        return found

    # --- how it starts

    def _starts(self) -> list[Operation]:
        """Return the trigger and its inputs."""
        match self.choices.start:
            case WhenToStart.SCHEDULE:
                return [_set("triggers", [{"id": "times", "uses": "schedule", "with": {"cron": self.choices.cron}}])]
            case WhenToStart.NEW:
                texts = {"type": "array", "items": {"type": "string"}}
                only = {**texts, "title": f"Only these {self.source.items}", "default": []}
                trigger = self._trigger({"ids": "{{ [item.id] }}"})
                return [
                    _set("inputs", {"type": "object", "properties": {"ids": only}}),
                    _set("triggers", [trigger]),
                ]
        return []

    def _trigger(self, inputs: Mapping[str, str]) -> Mapping[str, Any]:
        source, only = self.source, self.choices.only
        given = {**source.trigger_fixed, **filled_in(self.choices.places, source.trigger, is_trigger=True)}
        if source.name == "mail":
            given["query"] = gmail_query(only)
        if source.name == "mailbox":
            given |= step_fields(source, only)
        if source.name == "issues" and only.labels:
            given["labels"] = list(only.labels)
        found = {"id": f"new_{source.item}", "uses": source.trigger}
        return {**found, **({"with": given} if given else {}), "inputs": dict(inputs)}

    def _listing(self) -> Step:
        source = self.source
        given = {**filled_in(self.choices.places, source.uses), **step_fields(source, self.choices.only)}
        given |= source.fixed
        if self.choices.start is WhenToStart.NEW:
            given[source.ids] = "{{ inputs.ids }}"
        return {"id": self._id(source.items), "title": f"Read {source.items}", "uses": source.uses, "with": given}

    def _from_event(self) -> list[Operation]:
        parts = OfInputs(self.source, self.choices.places)
        where = self._event_condition(parts)
        steps = self._steps(parts, where)
        key = parts.path("key")
        for step in steps:
            if step.get("uses") in {TARGETS[one.target].uses for one in self.choices.targets}:
                step["once"] = f"{{{{ {key} }}}}"
        inputs = {name: f"{{{{ {value} }}}}" for name, value in parts.used.items()}
        kinds = {
            name: {"type": "integer" if name == "number" else "string", "title": name.capitalize()} for name in inputs
        }
        return [
            _set("inputs", {"type": "object", "required": list(kinds), "properties": kinds}),
            _set("triggers", [self._trigger(inputs)]),
            *({"op": "add", "step": one} for one in steps),
        ]

    def _event_condition(self, parts: OfInputs) -> str:
        """Return the words that must be there, of the inputs."""
        words = self.choices.only.model_copy(update={"older_days": 0, "unassigned": False, "column": ""})
        found = conditions(self.source, words, "@")
        for role in ("title", "text"):
            known = self.source.parts.get(role)
            if known and known in found:
                found = found.replace(known, parts.path(role))
        return found

    # --- what is done

    def _of_each(self, items: str) -> list[Step]:
        name = self._id(self.source.item)
        parts = OfItem(self.source, self.choices.places, name=name)
        loop: Step = {
            "id": self._id(f"each_{self.source.item}"),
            "title": f"Each {self.source.item}",
            "foreach": f"{{{{ {items} }}}}",
            "as": name,
            "key": f"{{{{ {parts.path('key')} }}}}",
            "item_title": f"{{{{ {parts.path('title')} }}}}",
            **self._at_once(self.choices.targets),
            "on_item_error": "continue",
        }
        if self.choices.only.more_than >= 0:
            loop["if"] = f"{{{{ size({items}) > {self.choices.only.more_than} }}}}"
        return [{**loop, "steps": self._steps(parts, "")}]

    def _at_once(self, targets: Sequence[Chosen]) -> Mapping[str, int]:
        """Return how many items of a loop begin at once: all that are read if a person is asked, and else one.

        The questions are all open then. Without questions, the items are written in their order.
        """
        is_asked = any(one.is_approved for one in targets)
        return {"parallel": min(self.source.fixed.get("limit", _MOST_AT_ONCE), _MOST_AT_ONCE)} if is_asked else {}

    def _of_all(self, items: str) -> list[Step]:
        is_dated = self.choices.start is not WhenToStart.HAND
        is_count = self.choices.amount is ItemCount.COUNT
        parts = WholeParts(self.source, self.choices.places, {}, items, self.title, is_count, is_dated)
        least = self.choices.only.more_than
        return self._steps(parts, f"size({items}) > {least}" if least >= 0 else "")

    def _steps(self, parts: Parts, condition: str) -> list[Step]:
        """Return the steps for an item, or for all of them."""
        steps = []
        if self.choices.kinds:
            steps.append(self._sorting(parts, condition))
        if self.choices.is_summarized:
            steps.append(self._summary(parts, condition))
        done: list[str] = []
        for chosen in self.choices.targets:
            made = self._of_target(parts, chosen, condition)
            if done and chosen.target == "close":
                made[-1]["needs"] = [done[-1]]
            done.append(str(made[-1]["id"]))
            steps += made
        return steps

    def _sorting(self, parts: Parts, condition: str) -> Step:
        text = parts.filled("[title]\n\n[text]", {})
        step: Step = {"id": self._id("kind"), "title": "What is it?", **_if(condition), "uses": "llm.classify"}
        return {**step, "with": {"text": text, "labels": {**self.choices.kinds, **OTHER}}, **_TRIES}

    def _summary(self, parts: Parts, condition: str) -> Step:
        id_ = self._id("summary")
        step: Step = {"id": id_, "title": "Sum up", **_if(condition), "uses": "llm.summarize"}
        made = {**step, "with": {"text": parts.filled("[text]", {}), "length": "points"}, **_TRIES}
        parts.overridden["text"] = f"steps.{id_}.output.text"
        if not parts.is_one:
            parts.overridden["line"] = parts.overridden["text"]
        return made

    def _of_target(self, parts: Parts, chosen: Chosen, condition: str) -> list[Step]:
        """Return the steps of a target, the one that writes last; in a loop of its own, only that loop."""
        target = TARGETS[chosen.target]
        where = [condition] if condition else []
        if chosen.when:
            where.append(f"steps.{self._id('kind')}.output.label == '{chosen.when}'")
        if target.only and isinstance(parts, OfItem):
            where.append(target.only.replace("@", parts.name))
        ids = {str(one["id"]): self._fresh(str(one["id"])) for one in target.before}
        before = [{**_renamed(parts.filled(one, {}), ids), "id": ids[str(one["id"])]} for one in target.before]
        write = _renamed(self._write(parts, target, chosen), ids)
        if target.loop:
            loop = {"id": self._fresh("each_file"), "title": "Each file", **_if(" && ".join(where))}
            files = parts.expression("files")
            if self.choices.only.ending:
                files += f".filter(f, f.name.lowerAscii().endsWith('.{self.choices.only.ending}'))"
            shape = {"foreach": f"{{{{ {files} }}}}", "as": "file", "key": target.loop["key"]}
            return [
                {**loop, **shape, **self._at_once([chosen]), "on_item_error": "continue", "steps": [*before, write]}
            ]
        before = [{**one, **_if(" && ".join(where))} for one in before]
        own = [*where, _renamed(target.condition, ids)] if target.condition else where
        return [*before, {"id": write["id"], "title": write["title"], **_if(" && ".join(own)), **write}]

    def _write(self, parts: Parts, target: WizardTarget, chosen: Chosen) -> Step:
        places = filled_in(chosen.places, target.uses)
        has = step_type(target.uses).fields.model_fields
        given = {name: places[name] for name in target.places if name in places and name in has}
        given |= parts.filled(target.fields, places)
        if isinstance(parts, WholeParts) and not parts.is_count and str(given.get("path", "")).endswith(".json"):
            given = {"path": given["path"], "data": f"{{{{ {parts.items} }}}}"}
        if chosen.title and target.title_field:
            given[target.title_field] = chosen.title
        if chosen.text and target.text_field:
            given[target.text_field] = chosen.text
        asks = {"approve": "always"} if chosen.is_approved else {}
        return {"id": self._fresh(target.id), "title": target.title, "uses": target.uses, **asks, "with": given}


def _renamed(template: Any, ids: Mapping[str, str]) -> Any:
    """Return steps with other ids in their expressions."""
    if isinstance(template, Mapping):
        return {name: _renamed(one, ids) for name, one in template.items()}
    if isinstance(template, str):
        for old, new in ids.items():
            template = template.replace(f"steps.{old}.", f"steps.{new}.")
    return template


def _set(field_: str, value: Any) -> Operation:
    return {"op": "set", "field": field_, "value": value}


def _if(condition: str) -> Mapping[str, str]:
    return {"if": f"{{{{ {condition} }}}}"} if condition else {}
