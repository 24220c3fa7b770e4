"""Convert JSON Schemas to CEL types, so that wrong names and types in expressions are found before anything runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.base.json_text import JsonSchema

_MOST_FIELDS = 2_000
"""Fields of one message type: protobuf allows about 8,000. An object with more is treated as one of unknown shape."""
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SCALARS = {"string": "TYPE_STRING", "integer": "TYPE_INT64", "number": "TYPE_DOUBLE", "boolean": "TYPE_BOOL"}
_WRAPPERS = {"string": "StringValue", "integer": "Int64Value", "number": "DoubleValue", "boolean": "BoolValue"}
_ANY = "google.protobuf.Value"
_STRUCT = "google.protobuf.Struct"
_LIST = "google.protobuf.ListValue"
_PACKAGE = "wf"
_MOST_TYPES = 50_000
_MOST_TYPES_OF_ONE = 500
"""Types of one step or variable: a schema with several cycles would otherwise produce millions."""
_MOST_NUMBERED = 10_000  # each keeps its schema, as another one could get the same id() otherwise
_DEEPEST = 12
"""Levels of a schema that are checked; deeper values may be anything."""

Schema = JsonSchema
ANYTHING: Schema = {}
TEXT: Schema = {"type": "string"}


def resolved(schema: Schema) -> Schema:
    """Resolve a schema's reference; the result includes the definitions it needs."""
    if not isinstance(schema.get("$ref"), str):
        return schema
    return within(schema, definition(schema["$ref"], schema))


def definition(reference: str, root: Schema) -> Any:
    """Return what `#/$defs/name` refers to; any value for a reference that is written otherwise, or leads nowhere."""
    place, _, name = reference.rpartition("/")
    return root.get("$defs", {}).get(name, ANYTHING) if place == "#/$defs" else ANYTHING


def within(schema: Schema, inner: Any) -> Schema:
    """Return the schema of a part, with the definitions of the whole; any value if it is unknown."""
    if not isinstance(inner, Mapping):
        return ANYTHING
    return {**inner, "$defs": schema["$defs"]} if "$defs" in schema else inner


def chosen(schema: Schema, value: Any) -> Schema | None:
    """Return the alternative that an object means: by a member with a fixed value, else the only one with its names."""
    if not isinstance(value, Mapping):
        return None
    options = [resolved(within(schema, one)) for one in (*schema.get("oneOf", ()), *schema.get("anyOf", ()))]
    for one in options:
        if any(value.get(name) in _few(inner) for name, inner in one.get("properties", {}).items()):
            return one
    fitting = [one for one in options if value and value.keys() <= one.get("properties", {}).keys()]
    return fitting[0] if len(fitting) == 1 else None


def _few(schema: Any) -> Sequence[object]:
    """Return the only values that a schema allows; none if it allows others."""
    if not isinstance(schema, Mapping):
        return ()
    return schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else ()


def plain(schema: Schema, root: Schema) -> tuple[Schema, bool]:
    """Follow `$ref` and unwrap `X or null`; return (schema, whether null is allowed)."""
    seen = 0
    while isinstance(schema, dict) and "$ref" in schema and seen < 20:  # references may form a circle
        schema = definition(str(schema["$ref"]), root)
        seen += 1
    if not isinstance(schema, dict):  # `true` is a schema, too: anything
        return {}, False
    kind = schema.get("type")
    if isinstance(kind, list):
        rest = [one for one in kind if one != "null"]
        return ({**schema, "type": rest[0]} if len(rest) == 1 else {}), "null" in kind
    options = schema.get("anyOf") or schema.get("oneOf")
    if not options:
        return schema, False
    rest = [option for option in options if not isinstance(option, Mapping) or option.get("type") != "null"]
    if len(rest) == 1:
        inner, _ = plain(rest[0], root)
        return inner, len(rest) < len(options)
    return {}, False


def _root(schema: Schema, root: Schema) -> Schema:
    """Return the schema with the `$defs`: the schema itself if it has any, as a step's output does, else `root`."""
    return schema if isinstance(schema, Mapping) and "$defs" in schema else root


class CelTypes:
    """The message types of schemas, one for each content. `pool` grows with them."""

    def __init__(self) -> None:
        from google.protobuf import descriptor_pb2, descriptor_pool, struct_pb2, wrappers_pb2

        self.pool = descriptor_pool.DescriptorPool()
        for base in (struct_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR):
            file = descriptor_pb2.FileDescriptorProto()
            base.CopyToProto(file)
            self.pool.Add(file)
        self.fields: dict[str, Sequence[str]] = {}
        """The field names of each message type, for suggestions."""
        self.schemas: dict[str, Schema] = {}
        """The JSON Schema of each message type."""
        self._names: dict[Any, str] = {}
        self._contents: dict[str, int] = {}
        self._numbers: dict[int, tuple[Schema, int]] = {}
        """Keyed by the identity of the schema, which is kept with its number."""

    def message(self, fields: Mapping[str, Schema]) -> str:
        """Return the full name of the message type with these fields; all names must be identifiers."""
        key = tuple((name, self._number(schema)) for name, schema in fields.items())
        if key not in self._names:
            self._names[key] = _File(self).outer(fields)
        return self._names[key]

    def object(self, schema: Schema, root: Schema) -> str:
        """Return the full name of the message type of a closed object, with the `$defs` of `root`."""
        definitions = root.get("$defs", {})
        whole = {**schema, "$defs": definitions} if definitions and "$defs" not in schema else schema
        number = self._number(whole)
        if number not in self._names:
            self._names[number] = _File(self).whole(whole)
        return self._names[number]

    def _number(self, schema: Schema) -> int:
        """Return a number that all schemas with this content have."""
        known = self._numbers.get(id(schema))
        if known is None:
            number = self._contents.setdefault(json.dumps(schema, default=str), len(self._contents))
            if len(self._numbers) > _MOST_NUMBERED:
                self._numbers.clear()
            known = self._numbers[id(schema)] = (schema, number)
        return known[1]


class _File:
    """A file of protobuf descriptions: one message type, and the types inside it."""

    def __init__(self, types: CelTypes) -> None:
        from google.protobuf import descriptor_pb2

        self._types, self._protos = types, descriptor_pb2
        self._kinds = descriptor_pb2.FieldDescriptorProto
        self._file = descriptor_pb2.FileDescriptorProto(package=_PACKAGE, syntax="proto3")
        self._needs = {"google/protobuf/struct.proto", "google/protobuf/wrappers.proto"}
        self._room = _MOST_TYPES_OF_ONE

    def outer(self, fields: Mapping[str, Schema]) -> str:
        """Add a type to the pool whose fields are variables and steps, with types of their own; return its name."""
        message = self._begun({"properties": fields})
        for number, (name, schema) in enumerate(fields.items(), start=1):
            added = message.field.add(name=name, number=number, json_name=name, label=self._kinds.LABEL_OPTIONAL)
            self._put_outer(message, added, schema)
        self._file.message_type.append(message)
        return self._added(message.name)

    def whole(self, schema: Schema) -> str:
        """Add the type of a closed object, with the types of all objects inside it, to the pool; return its name."""
        return self._added(self._message(schema, schema).removeprefix(f"{_PACKAGE}."))

    def _added(self, name: str) -> str:
        self._file.name = f"{name}.proto"
        self._file.dependency.extend(sorted(self._needs))
        self._types.pool.Add(self._file)
        return f"{_PACKAGE}.{name}"

    def _begun(self, schema: Schema) -> Any:
        name = f"T{len(self._types.fields)}"
        self._types.fields[f"{_PACKAGE}.{name}"] = list(schema["properties"])
        self._types.schemas[f"{_PACKAGE}.{name}"] = schema
        return self._protos.DescriptorProto(name=name)

    def _message(self, schema: Schema, root: Schema, depth: int = 0) -> str:
        definitions = root.get("$defs", {})
        message = self._begun({**schema, "$defs": definitions} if definitions else schema)
        for number, (field, inner) in enumerate(schema["properties"].items(), start=1):
            # The default JSON name would be in camel case and could collide; ours never does.
            added = message.field.add(name=field, number=number, json_name=field)
            if depth == 0:
                self._room = min(len(self._file.message_type) + _MOST_TYPES_OF_ONE, _MOST_TYPES)
            self._put_type(added, inner, root, depth)
        self._file.message_type.append(message)
        return f"{_PACKAGE}.{message.name}"

    def _put_outer(self, message: Any, field: Any, schema: Schema) -> None:
        """Put the type of a variable: a closed object has a type of its own, and maps and lists know their values."""
        inner, nullable = plain(schema, schema)
        if _kind(inner) == "array":
            items, items_nullable = plain(inner.get("items", {}), schema)
            if _kind(items) != "array":
                field.label = self._kinds.LABEL_REPEATED
                self._put_value(field, items, schema, items_nullable)
                return
        values = inner.get("additionalProperties")
        if _kind(inner) == "object" and not _is_closed(inner) and isinstance(values, Mapping) and values:
            self._put_map(message, field, values, schema)
        else:
            self._put_value(field, inner, schema, nullable)

    def _put_value(self, field: Any, schema: Schema, root: Schema, nullable: bool) -> None:  # noqa: FBT001
        root = _root(schema, root)
        if _kind(schema) == "object" and _is_closed(schema):
            name = self._types.object(schema, root)
            self._needs.add(f"{name.removeprefix(f'{_PACKAGE}.')}.proto")
            self._put_message(field, name)
        elif _kind(schema) == "array":
            self._put_message(field, _LIST)
        else:
            self._put_single(field, schema, root, nullable, 0)

    def _put_map(self, message: Any, field: Any, values: Schema, root: Schema) -> None:
        # How protobuf describes a map: repeated entries (https://protobuf.dev/programming-guides/proto3/#maps).
        entry = message.nested_type.add(name=f"Map{field.number}")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=self._kinds.LABEL_OPTIONAL, type=self._kinds.TYPE_STRING)
        value = entry.field.add(name="value", number=2, label=self._kinds.LABEL_OPTIONAL)
        inner, nullable = plain(values, _root(values, root))
        self._put_value(value, inner, root, nullable)
        field.label = self._kinds.LABEL_REPEATED
        self._put_message(field, f"{_PACKAGE}.{message.name}.{entry.name}")

    def _put_type(self, field: Any, schema: Schema, root: Schema, depth: int) -> None:
        root = _root(schema, root)
        schema, nullable = plain(schema, root)
        field.label = self._kinds.LABEL_OPTIONAL
        if _kind(schema) == "array":
            items, items_nullable = plain(schema.get("items", {}), root)
            if _kind(items) == "array" or items_nullable:
                self._put_message(field, _LIST)
                return
            field.label = self._kinds.LABEL_REPEATED
            schema, nullable = items, False
        self._put_single(field, schema, root, nullable, depth)

    def _put_single(self, field: Any, schema: Schema, root: Schema, nullable: bool, depth: int) -> None:  # noqa: FBT001
        kind = _kind(schema)
        if kind in _SCALARS and nullable:
            self._put_message(field, f"google.protobuf.{_WRAPPERS[kind]}")
        elif kind in _SCALARS:
            field.type = getattr(self._kinds, _SCALARS[kind])
        elif kind == "object" and _is_closed(schema) and depth < _DEEPEST and self._has_room():
            self._put_message(field, self._message(schema, root, depth + 1))
        else:
            self._put_message(field, _STRUCT if kind == "object" else _ANY)

    def _has_room(self) -> bool:
        """Return whether the current field may have more types inside it."""
        return len(self._file.message_type) < self._room

    def _put_message(self, field: Any, name: str) -> None:
        field.type = self._kinds.TYPE_MESSAGE
        field.type_name = f".{name}"


def _kind(schema: Schema) -> str:
    """Return the only JSON type that a schema allows, or an empty string."""
    if isinstance(schema.get("type"), str):
        return str(schema["type"])
    if "properties" in schema:
        return "object"
    for values in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
        if values and all(isinstance(value, str) for value in values):
            return "string"
    return ""


def _is_closed(schema: Schema) -> bool:
    """Return whether all fields of an object are known and can be written as `.name`."""
    properties = schema.get("properties")
    if not properties:  # an empty object: every name is wrong
        return properties is not None and schema.get("additionalProperties") is False
    return len(properties) <= _MOST_FIELDS and all(_IDENTIFIER.match(name) for name in properties)


def fits(schema: Schema, cel_type: str) -> bool:
    """Return whether a value of a checked CEL type (by name) may satisfy `schema`."""
    if cel_type in ("DYN", "google.protobuf.Value", "google.protobuf.Any") or "optional" in cel_type.lower():
        return "optional" not in cel_type.lower()
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return any(
            fits(plain(option, schema)[0] if "$ref" not in option else option, cel_type) for option in alternatives
        )
    kinds = schema.get("type")
    wanted = [kinds] if isinstance(kinds, str) else list(kinds or [])
    return not wanted or bool(set(wanted) & _json_kinds(cel_type))


def _json_kinds(cel_type: str) -> set[str]:
    """Return the JSON Schema types that a value of this CEL type may have."""
    head = cel_type.split("<", 1)[0]
    table = {
        "STRING": {"string"},
        "INT": {"integer", "number"},
        "UINT": {"integer", "number"},
        "DOUBLE": {"number"},
        "BOOL": {"boolean"},
        "NULL": {"null"},
        "LIST": {"array"},
        "MAP": {"object"},
        "TIMESTAMP": {"string"},
        "DURATION": {"number"},
        "google.protobuf.ListValue": {"array"},
        "google.protobuf.StringValue": {"string", "null"},
        "google.protobuf.Int64Value": {"integer", "number", "null"},
        "google.protobuf.DoubleValue": {"number", "null"},
        "google.protobuf.BoolValue": {"boolean", "null"},
    }
    return table.get(head, {"object"})
