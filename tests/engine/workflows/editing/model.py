"""The edit language on documents, without text: what an edit of a text must come to, and random edits to try."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.base.step_tree import step_nodes
from engine.workspace.canonical import canonical
from tests.odd_strings import ODD_STRINGS as ODD

ROOT = Path(__file__).resolve().parents[4]
SHIPPED = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "workflows").glob("*.json"))
    if not path.name.endswith(".layout.json")
]
EXTRA = {
    "schema_version": 1,
    "title": 'Odd "quotes" and {{ braces }}',
    "links": [],
    "steps": [
        {"id": "only", "uses": "flow.set", "with": {"values": {"a.b": [1, {"c": None}], "": "", "x": {}}}, "needs": []},
        {
            "id": "group",
            "foreach": "{{ [1, 2] }}",
            "steps": [{"id": "inner", "uses": "flow.set", "with": {"values": {"t": "{{ item }}"}}}],
            "on_error": {"steps": [{"id": "fallback", "uses": "flow.set", "with": {"values": {"t": 1e5}}}]},
        },
    ],
    "on_failure": [{"id": "after", "uses": "flow.set", "with": {"values": {"\u2028": "\u0000"}}}],
}
SEEDS: list[dict[str, Any]] = [*SHIPPED, EXTRA]
VALUES = [
    *ODD,
    7,
    -0.5,
    2**63 - 1,
    True,
    None,
    [],
    {},
    [1, "a", None],
    {"a": {"b": [1, {"c": "d"}]}, "é": "😀"},
    ["x" * 100],
]


def styles(document: Any) -> Mapping[str, str]:
    """The texts of a document in the styles of several authors."""
    own = canonical(document, "workflow")
    return {
        "canonical": own,
        "four": json.dumps(document, indent=4, ensure_ascii=False),
        "tabs": json.dumps(document, indent="\t"),
        "one-line": json.dumps(document, ensure_ascii=False),
        "compact": json.dumps(document, separators=(",", ":")),
        "mixed": re.sub(r'\{\n\s+("[a-z_]+": (?:"[^"\n]*"|\d+))\n\s+\}', r"{\1}", own),
        "windows": own.replace("\n", "\r\n"),
        "airy": re.sub(r"\n( +)\},\n", r"\n\1},\n\n", own),
        "steps-on-lines": steps_on_lines(document),
    }


def steps_on_lines(document: Any) -> str:
    """The text of a document with each of its outer steps on one line."""
    own = canonical({**document, "steps": ["@"]}, "workflow")
    lines = ",\n    ".join(json.dumps(step, ensure_ascii=False) for step in document["steps"])
    return own.replace('["@"]', f"[\n    {lines}\n  ]")


def apply(document: dict[str, Any], op: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document after an operation."""
    found = copy.deepcopy(document)
    _APPLY[op["op"]](found, op)
    return found


def _node(document: Any, step: str) -> tuple[list[Any], int]:
    node = next(one for one in step_nodes(document) if one.step.id == step)
    holder = document
    for part in node.place[:-1]:
        holder = holder[part]
    return holder, int(node.place[-1])


def _list(document: Any, into: str) -> list[Any]:
    if into == "":
        return document.setdefault("steps", [])  # type: ignore[no-any-return]
    if into == "on_failure":
        after = document.setdefault("on_failure", {"steps": []})
        return after if isinstance(after, list) else after["steps"]
    step, _, rest = into.partition(".")
    holder, index = _node(document, step)
    return holder[index].setdefault("on_error", {"steps": []})["steps"] if rest else holder[index]["steps"]  # type: ignore[no-any-return]


def _put(document: Any, op: Mapping[str, Any], steps: list[Any]) -> None:
    for name, ahead in (("after", 1), ("before", 0)):
        if name in op:
            holder, index = _node(document, op[name])
            holder[index + ahead : index + ahead] = steps
            return
    _list(document, op.get("into", "")).extend(steps)


def _taken(document: Any, step: str) -> Any:
    holder, index = _node(document, step)
    return holder.pop(index)


def _field(document: Any, op: Mapping[str, Any]) -> Any:
    if "step" not in op:
        return document
    holder, index = _node(document, op["step"])
    return holder[index]


def _set(document: Any, op: Mapping[str, Any]) -> None:
    holder = _field(document, op)
    *ahead, last = op["field"]
    for part in ahead:
        holder = holder.setdefault(part, {}) if isinstance(holder, dict) else holder[part]
    if isinstance(holder, list) and last == len(holder):
        holder.append(op["value"])
    else:
        holder[last] = op["value"]


def _unset(document: Any, op: Mapping[str, Any]) -> None:
    holder = _field(document, op)
    *ahead, last = op["field"]
    for part in ahead:
        holder = holder[part]
    del holder[last]


def _wrap(document: Any, op: Mapping[str, Any]) -> None:
    holder, index = _node(document, op["steps"][0])
    holder[index : index + len(op["steps"])] = [{**op["group"], "steps": holder[index : index + len(op["steps"])]}]


def _unwrap(document: Any, op: Mapping[str, Any]) -> None:
    holder, index = _node(document, op["step"])
    holder[index : index + 1] = holder[index]["steps"]


def _replace(document: Any, op: Mapping[str, Any]) -> None:
    holder, index = _node(document, op["step"])
    holder[index] = {"id": op["step"], **op["new"]}


def _remove(document: Any, op: Mapping[str, Any]) -> None:
    for step in op["steps"]:
        _taken(document, step)


def _notes(document: Any, op: Mapping[str, Any]) -> None:
    holder, index = _node(document, op["step"])
    holder[index].pop("note", None) if not op["text"] else holder[index].update(note=op["text"])


_APPLY: Any = {
    "add": lambda document, op: _put(document, op, [op["step"]]),
    "move": lambda document, op: _put(document, op, [_taken(document, step) for step in op["steps"]]),
    "set": _set,
    "unset": _unset,
    "wrap": _wrap,
    "unwrap": _unwrap,
    "remove": _remove,
    "replace_step": _replace,
    "notes": _notes,
}


_MANY = 12


class Random:
    """Random operations that fit a document."""

    def __init__(self, seed: int, prefix: str = "") -> None:
        self.random, self._prefix, self._count = random.Random(seed), prefix, 0

    def operation(self, document: Any) -> dict[str, Any]:
        """Return an operation that can be applied."""
        nodes = list(step_nodes(document))
        kinds = ["add", "set", "set-top"]
        kinds += ["move", "set", "set", "unset", "wrap", "unwrap", "remove", "replace_step", "notes"] if nodes else []
        kinds += ["remove"] * (10 if len(nodes) > _MANY else 0)
        while True:
            op: dict[str, Any] | None = getattr(self, "_" + self.random.choice(kinds).replace("-", "_"))(
                document, nodes
            )
            if op is not None:
                return op

    def _new(self) -> dict[str, Any]:
        self._count += 1
        id_ = f"new{self._prefix}_{self._count}"
        value = self.random.choice(VALUES)
        return {"id": id_, "uses": "flow.set", "with": {"values": {"a": 1, "v": value}}}

    def _place(self, document: Any, nodes: Any) -> dict[str, str]:
        groups = ["", "on_failure", *(one.step.id for one in nodes if one.step.is_group)]
        groups += [f"{one.step.id}.on_error" for one in nodes if not isinstance(one.step.json.get("on_error", {}), str)]
        choices = [{"into": self.random.choice(groups)}, {}]
        if nodes:
            beside = self.random.choice(nodes).step.id
            choices += [{"after": beside}, {"before": beside}]
        return self.random.choice(choices)

    def _add(self, document: Any, nodes: Any) -> dict[str, Any]:
        return {"op": "add", "step": self._new(), **self._place(document, nodes)}

    def _set(self, document: Any, nodes: Any) -> dict[str, Any] | None:
        if not nodes:
            return None
        node = self.random.choice(nodes)
        keys = [key for key in node.step.json if key not in ("id", "steps", "on_error")]
        field: list[Any] = [self.random.choice([*keys, "title", "retry", "timeout_seconds", "odd key", "é"])]
        holder = node.step.json.get(field[0], {})
        while isinstance(holder, dict | list) and self.random.random() < 0.7:
            if isinstance(holder, list):
                field.append(self.random.randint(0, len(holder)))
                holder = holder[field[-1]] if field[-1] < len(holder) else None
            else:
                field.append(self.random.choice([*holder, "added", "a.b", '"']))
                holder = holder.get(field[-1], {} if self.random.random() < 0.5 else None)
        return {"op": "set", "step": node.step.id, "field": field, "value": self.random.choice(VALUES)}

    def _set_top(self, document: Any, _nodes: Any) -> dict[str, Any]:
        field = self.random.choice([["title"], ["description"], ["outputs", "a"], ["inputs", "properties", "n"]])
        holder = document
        for part in field[:-1]:
            holder = holder.get(part, {}) if isinstance(holder, dict) else holder
        field = field if isinstance(holder, dict) else field[:1]
        return {"op": "set", "field": field, "value": self.random.choice(VALUES)}

    def _unset(self, document: Any, nodes: Any) -> dict[str, Any] | None:
        node = self.random.choice(nodes)
        paths = list(
            _paths({key: one for key, one in node.step.json.items() if key not in ("id", "steps", "on_error")})
        )
        return {"op": "unset", "step": node.step.id, "field": self.random.choice(paths)} if paths else None

    def _move(self, document: Any, nodes: Any) -> dict[str, Any] | None:
        steps = [one.step.id for one in self.random.sample(nodes, min(len(nodes), self.random.choice([1, 1, 2])))]
        place = self._place(document, nodes)
        beside = place.get("after") or place.get("before") or place.get("into", "").partition(".")[0]
        by_id = {one.step.id: one for one in nodes}
        around = {one.step.id for one in by_id[beside].up()} if beside in by_id else set()
        inside = any(up.step.id in steps for step in steps for up in by_id[step].up() if up.step.id != step)
        return None if around & set(steps) or inside else {"op": "move", "steps": steps, **place}

    def _wrap(self, document: Any, nodes: Any) -> dict[str, Any]:
        node = self.random.choice(nodes)
        count = self.random.randint(1, 3)
        run = [
            one for one in nodes if one.place[:-1] == node.place[:-1] and 0 <= one.place[-1] - node.place[-1] < count
        ]
        group = {"id": self._new()["id"], "foreach": "{{ [1] }}", "title": self.random.choice(ODD)}
        return {"op": "wrap", "steps": [one.step.id for one in run], "group": group}

    def _unwrap(self, document: Any, nodes: Any) -> dict[str, Any] | None:
        groups = [one for one in nodes if one.step.is_group and not isinstance(one.step.json.get("on_error"), dict)]
        return {"op": "unwrap", "step": self.random.choice(groups).step.id} if groups else None

    def _remove(self, document: Any, nodes: Any) -> dict[str, Any] | None:
        return (
            {"op": "remove", "steps": [self.random.choice(nodes).step.id]}
            if self.random.random() < 0.4 or len(nodes) > _MANY
            else None
        )

    def _replace_step(self, document: Any, nodes: Any) -> dict[str, Any]:
        new = {key: one for key, one in self._new().items() if key != "id"}
        return {"op": "replace_step", "step": self.random.choice(nodes).step.id, "new": new}

    def _notes(self, document: Any, nodes: Any) -> dict[str, Any]:
        text = self.random.choice(["", *ODD])
        return {"op": "notes", "step": self.random.choice(nodes).step.id, "text": text}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[list[Any]]:
    if path:
        yield list(path)
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _paths(one, (*path, key))
