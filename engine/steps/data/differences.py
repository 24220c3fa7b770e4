"""A step that compares two values: two versions of an object, or a list as it was and as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clients.errors import InvalidRequest
from engine.expressions.json_values import compact_json
from engine.plugins.step import Call, Effect, Fields, JsonValue, Prompts, StepType, content, option
from engine.record.differences import ABSENT, Difference, differences

_CHANGES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "before": {}, "after": {}},
        "required": ["path"],
    },
}
_ITEMS = {"type": "array", "items": {}}
_CHANGED = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"key": {}, "before": {}, "after": {}, "changes": _CHANGES},
        "required": ["key", "before", "after", "changes"],
    },
}


class DiffFields(Fields):
    """The fields of `data.diff`."""

    before: JsonValue = content("Before")
    after: JsonValue = content("After")
    key: str = option("Member that identifies the items of two lists, such as `id`", default="")


class Diff(StepType):
    """Compare two values. With `key`, they are lists of objects, and items are matched by that member."""

    name = "data.diff"
    title = "Compare data"
    effect = Effect.PURE
    heavy = True
    is_for_output = True
    fields = DiffFields

    def call(self, call: Call) -> JsonValue:
        """Return {equal, changes}, or {equal, added, removed, changed} with `key`. Raises InvalidRequest."""
        before, after, key = call.fields.before, call.fields.after, call.fields.key
        if key:
            return _of_lists(_by_key("before", before, key), _by_key("after", after, key))
        changes = _changes(before, after)
        return {"equal": not changes, "changes": changes}

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the schema of the output with or without `key`."""
        lists = {"added": _ITEMS, "removed": _ITEMS, "changed": _CHANGED}
        found = lists if arguments.get("key") else {"changes": _CHANGES}
        properties = {"equal": {"type": "boolean"}, **found}
        return {"type": "object", "properties": properties, "required": list(properties)}


def _changes(before: JsonValue, after: JsonValue) -> list[JsonValue]:
    return [_change(one) for one in differences("", before, after)]


def _change(found: Difference) -> JsonValue:
    sides = {"before": found.old, "after": found.new}
    return {"path": found.field, **{name: value for name, value in sides.items() if value is not ABSENT}}


Keyed = Mapping[str, tuple[JsonValue, JsonValue]]
"""The items of a list by their key as JSON text: (key, item)."""


def _by_key(field: str, items: JsonValue, key: str) -> Keyed:
    if not isinstance(items, list):
        raise InvalidRequest(f"`{field}` is not a list, so its items have no `{key}`.", remedy="Leave `key` out.")
    found: dict[str, tuple[JsonValue, JsonValue]] = {}
    for index, item in enumerate(items):
        if not isinstance(item, Mapping) or item.get(key) is None:
            raise InvalidRequest(f"`{field}[{index}]` has no `{key}`.", remedy="Choose a `key` that every item has.")
        name = compact_json(_whole(item[key]))
        if name in found:
            raise InvalidRequest(
                f"`{field}` has two items with the {key} {name[:80]}; the second is `{field}[{index}]`.",
                remedy="Choose a `key` that is different for every item.",
            )
        found[name] = (item[key], item)
    return found


def _whole(value: JsonValue) -> JsonValue:
    """Return a whole number without its point: 1 and 1.0 are the same key."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _of_lists(before: Keyed, after: Keyed) -> JsonValue:
    added = [item for name, (_, item) in after.items() if name not in before]
    removed = [item for name, (_, item) in before.items() if name not in after]
    changed = _changed(before, after)
    return {"equal": not (added or removed or changed), "added": added, "removed": removed, "changed": changed}


def _changed(before: Keyed, after: Keyed) -> Sequence[JsonValue]:
    pairs = ((key, item, after[name][1]) for name, (key, item) in before.items() if name in after)
    found = ((key, old, new, _changes(old, new)) for key, old, new in pairs)
    return [
        {"key": key, "before": old, "after": new, "changes": changes} for key, old, new, changes in found if changes
    ]
