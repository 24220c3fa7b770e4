"""A workflow of n8n as a workflow of this program, with a list of what a person has to finish."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from engine.hooks.fields import header_member
from engine.workflows.n8n.conditions import condition, of_rule
from engine.workflows.n8n.export import Edge, Export, N8nNode, export, objects
from engine.workflows.n8n.functions import Untranslatable, step_into
from engine.workflows.n8n.naming import named
from engine.workflows.n8n.nodes import meant
from engine.workflows.n8n.placing import Items, NodeNames, StepList, done_output, order, shared
from engine.workflows.n8n.script import Path, translated
from engine.workflows.n8n.sources import LEFT_OUT, Parameters, Source, without_keys
from engine.workflows.n8n.texts import plain, value_of
from engine.workflows.n8n.triggers import Started, is_trigger, started

_LONGEST_NOTE = 4_000
_MOST_RULES = 100
_REFUSED = "n8n"
"""The condition of a group whose own could not be translated: nothing has this name, so the workflow cannot run."""
_WHOLE = {"number": "integer", "row": "integer", "size_bytes": "integer", "labels": "array", "assignees": "array"}
"""The types of those fields of triggers' items that are no text."""


class Translated(Struct, frozen=True):
    """A translated workflow."""

    title: str
    document: dict[str, Any]
    left: tuple[str, ...]
    """What a person has to finish, a sentence each."""


def translate(sent: object, file: str) -> Translated:
    """Return the workflow of an export of n8n; `file` is the name used in problems. Raises InvalidInput."""
    return _Translation(export(sent, file)).whole()


class _Translation(Struct):
    """The work on one file."""

    export: Export
    root: StepList = field(default_factory=StepList)
    left: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    nodes: dict[str, Items] = field(default_factory=dict)
    outputs: dict[tuple[str, int], Items] = field(default_factory=dict)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    triggers: list[dict[str, Any]] = field(default_factory=list)

    def whole(self) -> Translated:
        """Return the workflow."""
        names, edges = order(self.export)
        back = len(self.export.edges) - len(edges)
        incoming, forward = dict[str, list[Edge]](), set(edges)
        for edge in (one for one in self.export.edges if one in forward):
            incoming.setdefault(edge.target, []).append(edge)
        serving = {one for served in self.export.helpers.values() for one in served}
        for name in names:
            node = self.export.nodes[name]
            if node.type != "stickyNote" and name not in serving:
                self._place(node, incoming.get(name, []))
        loops = sum(1 for one in self.export.nodes.values() if one.type == "splitInBatches")
        if back > loops:
            self.left.append("It has links that lead back to an earlier node: such a loop is not translated.")
        if not self.root.steps:
            self.root.add(
                {"id": "nothing", "uses": "flow.fail", "with": {"message": "The workflow of n8n has no step."}}
            )
        title = self.export.name.strip() or "Workflow of n8n"
        document: dict[str, Any] = {"schema_version": 1, "title": title[:200]}
        if text := self._description():
            document["description"] = text
        if self.inputs:
            document["inputs"] = {"type": "object", "properties": self.inputs}
        if self.triggers:
            document["triggers"] = self.triggers
        document["steps"] = self.root.steps
        return Translated(title, document, tuple(self.left))

    def _description(self) -> str:
        """Return the texts of sticky notes, and what is left to do."""
        found = ["To finish, from n8n:\n\n" + "\n".join(f"- {one}" for one in self.left)] if self.left else []
        notes = (one for one in self.export.nodes.values() if one.type == "stickyNote")
        found += [str(one.parameters.get("content", "")).strip() for one in notes]
        return "\n\n".join(one for one in found if one)[:_LONGEST_NOTE]

    def _place(self, node: N8nNode, incoming: list[Edge]) -> None:
        before = [self.outputs[edge.source, edge.output] for edge in incoming if self._has(edge)]
        if len(before) < len(incoming):
            why = "an output leads to it that is not translated, such as the one for errors"
            self.left.append(f"{node.name}: {why}." if before else f"{node.name} was left out: {why}.")
        if incoming and not before:
            return
        scope = self._meeting(node, [one.scope for one in before]) if before else self.root
        item = before[0] if len({one.cel if one.known is None else id(one.known) for one in before}) == 1 else None
        seen = NodeNames(item, self.nodes, scope)
        if is_trigger(node) and not incoming:
            self._trigger(node)
        elif node.is_disabled:
            self.left.append(f"The node {node.name!r} is switched off in n8n, and was left out.")
            self._through(node, item, scope)
        else:
            self._told_settings(node, scope)
            self._by_type(node, seen)

    def _told_settings(self, node: N8nNode, scope: StepList) -> None:
        if node.settings.get("executeOnce") and any("foreach" in one.around for one in scope.chain):
            self.left.append(f"{node.name}: n8n runs it once, here it runs for each item. Move it behind the loop.")
        told = [f"{name}: {value}" for name, value in node.settings.items() if name != "executeOnce"]
        if told:
            self.left.append(f"{node.name}: set what happens if it fails; n8n has {', '.join(told)}.")

    def _told_unread(self, node: N8nNode, parameters: Parameters) -> None:
        for path in parameters.unread():
            self.left.append(f"{node.name}: n8n also sets `{path}`, which is not translated.")

    def _meeting(self, node: N8nNode, scopes: list[StepList]) -> StepList:
        """Return where a node is that several lead to: where they meet, if one of their conditions holds."""
        outer = shared(scopes)
        ways = [list(one.until(outer)) for one in scopes]
        if any("foreach" in one.around for way in ways for one in way):
            self.left.append(
                f"{node.name}: it comes once after a loop and what is beside it; n8n runs it for each item."
            )
            return outer
        if any(not way for way in ways):
            if len(ways) > 1:
                self.left.append(
                    f"{node.name}: it runs once, after all that leads to it; n8n runs it for each of them."
                )
            return outer
        conditions = [" && ".join(f"({one.condition})" for one in reversed(way)) for way in ways]
        inner = {way[0].condition for way in ways if len(way) == 1}
        if any(f"!({one})" in inner for one in inner - {_REFUSED}):
            return outer  # both outputs of an If
        around = {"id": self._id(f"before {node.name}"), "title": f"Before {node.name}"[:200]}
        return StepList(outer, {**around, "if": f"{{{{ {' || '.join(dict.fromkeys(conditions))} }}}}"})

    def _by_type(self, node: N8nNode, seen: NodeNames) -> None:
        match node.type:
            case "if" | "filter":
                self._if(node, seen)
            case "switch":
                self._switch(node, seen)
            case "set":
                self._set(node, seen)
            case "wait":
                self._wait(node, seen)
            case "splitOut":
                self._split(node, seen)
            case "splitInBatches":
                self._batches(node, seen)
            case "noOp" | "respondToWebhook":
                self._passed(node, seen)
            case _:
                self._step(node, seen)

    def _has(self, edge: Edge) -> bool:
        return (edge.source, edge.output) in self.outputs

    def _through(self, node: N8nNode, item: Items | None, scope: StepList) -> None:
        """What comes in goes out."""
        passed = item or Items("", scope, {})
        self._gives(
            node, Items(passed.cel, scope, passed.gives, passed.through, is_many=passed.is_many, known=passed.known)
        )

    def _gives(self, node: N8nNode, items: Items, output: int = 0) -> None:
        self.outputs[node.name, output] = items
        self.nodes.setdefault(node.name, items)

    def _id(self, title: str) -> str:
        found = named(title, self.ids)
        self.ids.add(found)
        return found

    def _base(self, node: N8nNode, missed: list[str]) -> dict[str, Any]:
        """Return a step without its type: id, title, and a note with what could not be translated."""
        step: dict[str, Any] = {"id": self._id(node.name), "title": node.name[:200]}
        texts = [node.notes, *(f"Not translated from n8n: `{one}`" for one in missed)]
        if note := "\n\n".join(one for one in texts if one):
            step["note"] = note[:_LONGEST_NOTE]
        for one in missed:
            self.left.append(f"{node.name}: write again what n8n calls {one!r}.")
        return step

    def _fields(self, fields: Mapping[str, Source], given: Parameters) -> dict[str, Any]:
        found = {
            name: given.value(source) if isinstance(source, str) else source(given) for name, source in fields.items()
        }
        return {name: value for name, value in found.items() if value != LEFT_OUT}

    def _step(self, node: N8nNode, seen: NodeNames) -> None:
        row = meant(node)
        if row is None or node.version < row.since:
            self._unknown(node, seen)
            return
        missed = list[str]()
        parameters = Parameters(node.parameters, seen, missed)
        written = self._fields(row.fields, parameters)
        self._told_unread(node, parameters)
        for helper in self.export.helpers.get(node.name, ()):
            if not self.export.nodes[helper].type.startswith("lmChat"):
                self.left.append(f"{node.name}: it also uses {helper!r} in n8n, which is not translated.")
        step = {**self._base(node, missed), "uses": row.uses, "with": written}
        seen.scope.add(step)
        output = f"steps.{step['id']}.output"
        if not row.many:
            self._gives(node, Items(output, seen.scope, row.gives))
            return
        self._loop(node, f"{output}.{row.many}", seen.scope, row.gives, row.key)

    def _loop(self, node: N8nNode, listed: str, scope: StepList, gives: Mapping[str, str], key: str) -> None:
        """Begin a loop: what follows the node is inside."""
        item = named(f"{node.name} item", self.ids)
        self.ids.add(item)
        around: dict[str, Any] = {
            "id": self._id(f"each {node.name}"),
            "title": f"Each of {node.name}"[:200],
            "foreach": f"{{{{ {listed} }}}}",
            "as": item,
        }
        if key:
            self.left.append(
                f"{node.name}: what is written for one of them is written once, also in later runs; n8n writes it each "
                f"time. Take out the key of its loop if you want that."
            )
            around["key"] = f"{{{{ {item}.{key} }}}}" if key == "id" else f"{{{{ text({item}.{key}) }}}}"
        self._gives(node, Items(item, StepList(scope, around), gives, listed=listed, is_many=True))

    def _unknown(self, node: N8nNode, seen: NodeNames) -> None:
        """Put in a step that fails, with the node as it was in its note."""
        original = json.dumps(
            {"type": node.type, "parameters": without_keys(node.parameters)}, ensure_ascii=False, indent=2
        )
        self.left.append(f"{node.name}: n8n's node {node.type!r} has no counterpart. Put steps in place of it.")
        step = self._base(node, [])
        step["note"] = f"{node.notes}\n\nFrom n8n:\n\n```json\n{original[: _LONGEST_NOTE - 200]}\n```".strip()
        step["uses"] = "flow.fail"
        step["with"] = {"message": plain(f"{node.name[:100]}: put steps in place of n8n's node {node.type}.")}
        seen.scope.add(step)
        self._gives(node, Items(f"steps.{step['id']}.output", seen.scope, {}))

    def _trigger(self, node: N8nNode) -> None:
        row = started(node)
        if row is None:
            self.left.append(
                f"{node.name}: n8n's trigger {node.type!r} has no counterpart. Add a trigger, or run by hand."
            )
            row = Started("", gives={"*": ""})
        missed = list[str]()
        trigger: dict[str, Any] = {}
        if row.uses:
            parameters = Parameters(node.parameters, NodeNames(None, {}, self.root), missed)
            fields = self._fields(row.fields, parameters)
            self._told_unread(node, parameters)
            if row.uses == "schedule" and self.export.time_zone:
                fields["time_zone"] = self.export.time_zone
            trigger = {"id": named(node.name, {one["id"] for one in self.triggers}), "uses": row.uses, "with": fields}
            self.triggers.append(trigger)
        self.left += [f"{node.name}: set {one}." for one in missed]
        self._gives(node, Items("inputs", self.root, row.gives, known=lambda path: self._input(row, trigger, path)))

    def _input(self, row: Started, trigger: dict[str, Any], path: Path) -> str:
        """Return the input that has a field of a trigger's item."""
        parts = [str(one) for one in path]
        if row.is_open:
            self.inputs.setdefault(parts[0], {"type": "object", "title": parts[0].capitalize(), "default": {}})
            trigger.setdefault("inputs", {})[parts[0]] = f"{{{{ item.{parts[0]} }}}}"
            if parts[0] == "headers" and len(parts) > 1:
                kept = trigger["with"].setdefault("headers", [])
                kept += [] if parts[1] in kept else [parts[1]]
                path = ("headers", header_member(parts[1]), *path[2:])
            return "inputs" + "".join(map(step_into, path))
        if row.is_form and parts[0] == "values":
            parts[1:] = [named(one, ()) for one in parts[1:]]
        name = named("_".join(parts[1:] if parts[0] == "values" and len(parts) > 1 else parts), ())
        kind = _WHOLE.get(parts[-1], "string")
        default: Any = {"string": "", "integer": 0, "array": []}[kind]
        self.inputs.setdefault(
            name, {"type": kind, "title": parts[-1].replace("_", " ").capitalize(), "default": default}
        )
        if trigger:
            where = "item" + "".join(map(step_into, parts))
            trigger.setdefault("inputs", {})[name] = f"{{{{ {where} }}}}"
        return f"inputs.{name}"

    def _group(self, node: N8nNode, seen: NodeNames, output: int, when: str, suffix: str) -> None:
        """Begin a group with a condition: what follows this output of the node is inside."""
        title = f"{node.name}: {suffix}" if suffix else node.name
        around = {"id": self._id(title), "title": title[:200], "if": f"{{{{ {when} }}}}"}
        inner, item = StepList(seen.scope, around), seen.before or Items("", seen.scope, {})
        self._gives(
            node, Items(item.cel, inner, item.gives, item.through, is_many=item.is_many, known=item.known), output
        )

    def _refused(self, node: N8nNode, seen: NodeNames, what: str) -> str:
        """Return the condition for one that could not be translated: a name that does not exist, so nothing runs."""
        self.left.append(f"{node.name}: write its condition again ({what}).")
        return _REFUSED

    def _if(self, node: N8nNode, seen: NodeNames) -> None:
        try:
            when = condition(node.parameters, seen)
        except Untranslatable:
            when = self._refused(node, seen, _shown(node.parameters.get("conditions")))
        if node.type == "filter":
            self._group(node, seen, 0, when, "")
            return
        self._group(node, seen, 0, when, "yes")
        self._group(node, seen, 1, f"!({when})", "no")

    def _switch(self, node: N8nNode, seen: NodeNames) -> None:
        rules, options = node.parameters.get("rules"), node.parameters.get("options")
        options = options if isinstance(options, Mapping) else {}
        found = objects(rules.get("values", rules.get("rules"))) if isinstance(rules, Mapping) else []
        if node.parameters.get("mode", "rules") != "rules" or not 0 < len(found) <= _MOST_RULES:
            self._unknown(node, seen)
            return
        whens, outputs, titles = list[str](), dict[int, list[str]](), dict[int, str]()
        for number, one in enumerate(found):
            when = self._rule(node, one, seen)
            is_all = options.get("allMatchingOutputs") is True
            only = when if is_all or not whens else " && ".join([*(f"!({each})" for each in whens), f"({when})"])
            output = number if "conditions" in one else one.get("output", 0)
            outputs.setdefault(output if isinstance(output, int) else number, []).append(only)
            titles.setdefault(number, str(one.get("outputKey") or number + 1))
            whens.append(when)
        fallback = options.get("fallbackOutput", node.parameters.get("fallbackOutput", "none"))
        extra = len(found) if fallback == "extra" else fallback
        if isinstance(extra, int) and extra >= 0:
            outputs.setdefault(extra, []).append(" && ".join(f"!({each})" for each in whens))
            titles.setdefault(extra, "otherwise")
        for output, alternatives in outputs.items():
            when = alternatives[0] if len(alternatives) == 1 else " || ".join(f"({one})" for one in alternatives)
            self._group(node, seen, output, when, titles.get(output, str(output + 1)))

    def _rule(self, node: N8nNode, rule: Mapping[str, Any], seen: NodeNames) -> str:
        """Return the condition of a rule of a Switch."""
        try:
            if isinstance(rule.get("conditions"), Mapping):
                return condition({**rule, "options": node.parameters.get("options")}, seen)
            return of_rule(
                str(node.parameters.get("dataType", "number")), rule, seen, node.parameters.get("value1", "")
            )
        except Untranslatable:
            return self._refused(node, seen, _shown(rule))

    def _set(self, node: N8nNode, seen: NodeNames) -> None:
        missed, values = list[str](), dict[str, Any]()
        parameters = node.parameters
        if parameters.get("mode", "manual") != "manual":
            self._unknown(node, seen)
            return
        assignments = parameters.get("assignments")
        if isinstance(assignments, Mapping):
            rows, is_kept = objects(assignments.get("assignments")), parameters.get("includeOtherFields") is True
        elif node.version >= 3:
            fields, include = parameters.get("fields"), str(parameters.get("include", "all"))
            rows, is_kept = objects(fields.get("values")) if isinstance(fields, Mapping) else [], include == "all"
            if include in ("selected", "except"):
                self.left.append(f"{node.name}: n8n also gives some of the fields that came in ({include}).")
        else:
            lists = parameters.get("values")
            rows = [one for each in lists.values() for one in objects(each)] if isinstance(lists, Mapping) else []
            is_kept = parameters.get("keepOnlySet") is not True
        gives = dict[str, str]()
        for one in rows:
            here, name = named(str(one.get("name", "")), values), str(one.get("name", ""))
            found = one.get("value", one.get(str(one.get("type", "stringValue")), ""))
            values[here], gives[name] = value_of(found, seen, missed), here
        step = {**self._base(node, missed), "uses": "flow.set", "with": {"values": values}}
        seen.scope.add(step)
        self._gives(node, Items(f"steps.{step['id']}.output", seen.scope, gives, seen.before if is_kept else None))

    def _wait(self, node: N8nNode, seen: NodeNames) -> None:
        unit = str(node.parameters.get("unit", "hours"))
        seconds = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}.get(unit)
        amount = node.parameters.get("amount", 1)
        if (
            node.parameters.get("resume", "timeInterval") != "timeInterval"
            or seconds is None
            or not isinstance(amount, int | float)
            or not 0 <= amount <= 1_000_000
        ):
            self._unknown(node, seen)
            return
        seen.scope.add({**self._base(node, []), "uses": "flow.wait", "with": {"seconds": amount * seconds}})
        self._through(node, seen.before, seen.scope)

    def _split(self, node: N8nNode, seen: NodeNames) -> None:
        """Split Out: a loop over a list in the item."""
        path = str(node.parameters.get("fieldToSplitOut", ""))
        try:
            listed = translated(f"$json.{path}", seen)
        except Untranslatable:
            self._unknown(node, seen)
            return
        self._loop(node, listed, seen.scope, {"*": "", path: ""}, "")

    def _batches(self, node: N8nNode, seen: NodeNames) -> None:
        """Loop Over Items: items come one by one here anyway; `done` comes after the loop."""
        done = done_output(node)
        item = seen.before or Items("", seen.scope, {})
        self._gives(node, item, 1 - done)
        loop = next((one for one in seen.scope.chain if "foreach" in one.around), None)
        outer = seen.scope if loop is None or loop.outer is None else loop.outer
        self._gives(node, Items("", outer, {}), done)

    def _passed(self, node: N8nNode, seen: NodeNames) -> None:
        if node.type != "noOp":
            self.left.append(
                f"{node.name}: the answer is the outputs of the workflow. Write `outputs` in place of this node."
            )
        self._through(node, seen.before, seen.scope)


def _shown(found: object) -> str:
    return json.dumps(found, ensure_ascii=False)[:200]
