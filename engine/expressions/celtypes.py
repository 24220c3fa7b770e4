"""JSON Schemas as CEL types, so that a wrong name or type in an expression is found before anything runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SCALARS = {"string": "string", "integer": "int", "number": "double", "boolean": "bool"}
_WRAPPERS = {"string": "StringValue", "integer": "Int64Value", "number": "DoubleValue", "boolean": "BoolValue"}
_ANY = "google.protobuf.Value"
_STRUCT = "google.protobuf.Struct"
_LIST = "google.protobuf.ListValue"
_PACKAGE = "wf"
_MOST_TYPES = 50_000
_MOST_TYPES_OF_ONE = 500
"""For one step or variable: a schema with several circles would make millions."""
_DEEPEST = 12
"""Levels of a schema that are checked; what lies deeper may be anything."""

Schema = Mapping[str, Any]


def plain(schema: Schema, root: Schema) -> tuple[Schema, bool]:
    """Follow `$ref` and unwrap `X or null`; return (schema, whether null is allowed)."""
    seen = 0
    while isinstance(schema, dict) and "$ref" in schema and seen < 20:
        schema = root.get("$defs", {}).get(str(schema["$ref"]).rsplit("/", 1)[-1], {})
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
    """Return where the `$defs` of a schema are: in itself, if it has any, as the output of a step does."""
    return schema if isinstance(schema, Mapping) and "$defs" in schema else root


class Types:
    """Collects message types for schemas; `pool()` gives them to a CEL environment."""

    def __init__(self) -> None:
        from google.protobuf import descriptor_pb2, struct_pb2, wrappers_pb2

        self._kinds = descriptor_pb2.FieldDescriptorProto
        self._file = descriptor_pb2.FileDescriptorProto(name="wf.proto", package=_PACKAGE, syntax="proto3")
        self._bases = [struct_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR]
        self._file.dependency.extend([base.name for base in self._bases])
        self._numbers = itertools.count(1)
        self._room = _MOST_TYPES_OF_ONE
        self.fields: dict[str, list[str]] = {}
        """The field names of each message type, for suggestions."""
        self._schemas: dict[str, Schema] = {}
        self._names: dict[int, str] = {}
        """By the identity of what stands in `_schemas`, which lives as long."""

    def pool(self) -> Any:
        """Return a descriptor pool that holds every type added so far."""
        from google.protobuf import descriptor_pb2, descriptor_pool

        pool = descriptor_pool.DescriptorPool()
        for base in self._bases:
            file = descriptor_pb2.FileDescriptorProto()
            base.CopyToProto(file)
            pool.Add(file)
        pool.Add(self._file)
        return pool

    def variable(self, schema: Schema) -> Any:
        """Return the CEL type of a variable that holds what `schema` describes."""
        return self._cel(schema, schema)

    def message(self, fields: Mapping[str, Schema]) -> str:
        """Add a message with these fields (all names must be identifiers); return its full name."""
        return self._message({"properties": fields}, {})

    def schema(self, name: str) -> Schema:
        """Return the JSON Schema behind a message type; `{}` for one of another origin."""
        return self._schemas.get(name, {})

    def _cel(self, schema: Schema, root: Schema, depth: int = 0) -> Any:
        from cel_expr_python import cel

        if depth > _DEEPEST:  # a list of lists of itself
            return cel.Type.DYN
        root = _root(schema, root)
        schema, nullable = plain(schema, root)
        kind = _kind(schema)
        if kind in _SCALARS:
            return cel.Type(f"google.protobuf.{_WRAPPERS[kind]}") if nullable else cel.Type(_SCALARS[kind])
        if kind == "array":
            return cel.Type.List(self._cel(schema.get("items", {}), root, depth + 1))
        if kind == "object":
            return cel.Type(self._named(schema, root)) if _is_closed(schema) else self._map(schema, root, depth)
        return cel.Type.DYN

    def _named(self, schema: Schema, root: Schema) -> str:
        """Return the message for a schema; one that `schema()` gave out has its message already."""
        known = self._names.get(id(schema))
        return known or self._message(schema, root)

    def _map(self, schema: Schema, root: Schema, depth: int) -> Any:
        from cel_expr_python import cel

        values = schema.get("additionalProperties")
        inner = self._cel(values, root, depth + 1) if isinstance(values, Mapping) and values else cel.Type.DYN
        return cel.Type.Map(cel.Type.STRING, inner)

    def _message(self, schema: Schema, root: Schema, depth: int = 0) -> str:
        from google.protobuf import descriptor_pb2

        name = f"T{next(self._numbers)}"
        message = descriptor_pb2.DescriptorProto(name=name)
        for number, (field, inner) in enumerate(schema["properties"].items(), start=1):
            # The JSON name would be derived in camel case and could collide; ours never does.
            added = message.field.add(name=field, number=number, json_name=field)
            if depth == 0:
                self._room = min(len(self._file.message_type) + _MOST_TYPES_OF_ONE, _MOST_TYPES)
            self._put_type(added, inner, root, depth)
        self._file.message_type.append(message)
        self.fields[f"{_PACKAGE}.{name}"] = list(schema["properties"])
        whole = {**schema, "$defs": root.get("$defs", {})}
        self._schemas[f"{_PACKAGE}.{name}"] = whole
        self._names[id(whole)] = f"{_PACKAGE}.{name}"
        return f"{_PACKAGE}.{name}"

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
            field.type = {
                "string": self._kinds.TYPE_STRING,
                "integer": self._kinds.TYPE_INT64,
                "number": self._kinds.TYPE_DOUBLE,
                "boolean": self._kinds.TYPE_BOOL,
            }[kind]
        elif kind == "object" and _is_closed(schema) and depth < _DEEPEST and self._has_room():
            self._put_message(field, self._message(schema, root, depth + 1))
        else:
            self._put_message(field, _STRUCT if kind == "object" else _ANY)

    def _has_room(self) -> bool:
        """Tell whether more types may be made for the step or variable at hand."""
        return len(self._file.message_type) < self._room

    def _put_message(self, field: Any, name: str) -> None:
        field.type = self._kinds.TYPE_MESSAGE
        field.type_name = f".{name}"


def _kind(schema: Schema) -> str:
    """Return the one JSON type that a schema allows, or an empty string."""
    if isinstance(schema.get("type"), str):
        return str(schema["type"])
    if "properties" in schema:
        return "object"
    for values in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
        if values and all(isinstance(value, str) for value in values):
            return "string"
    return ""


def _is_closed(schema: Schema) -> bool:
    """Tell whether an object's fields are all known and can be written as `.name`."""
    properties = schema.get("properties")
    if not properties:  # an object that may hold nothing: no name is right
        return properties is not None and schema.get("additionalProperties") is False
    return all(_IDENTIFIER.match(name) for name in properties)


def fits(schema: Schema, cel_type: str) -> bool:
    """Tell whether a value of a checked CEL type (its name) can be what `schema` asks for."""
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
    """Return the JSON Schema types that a value of this CEL type can have."""
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
