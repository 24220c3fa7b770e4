"""Translate pydantic's validation errors into plain words, with the path of each place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from clients.wording import listed, nearest
from engine.base.errors import own_words
from engine.base.wording import number_text

Path = tuple[str | int, ...]
_TEXT = "text in quotes"
_WORDS = {
    "string_type": _TEXT,
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of at most 64 bits",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "none_required": "null",
}
_FORMS = {
    _TEXT: "Put quotes around the value.",
    "a whole number": "Write digits only, without quotes.",
    "a number": "Write a number, without quotes.",
    "true or false": "Write true or false, without quotes.",
    "a list": "Write it as a list: [ … ].",
    "an object": "Write it as an object: { … }.",
}
_LIMITS = {
    "greater_than": ("must be more than {}", "gt"),
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than": ("must be less than {}", "lt"),
    "less_than_equal": ("must be at most {}", "le"),
    "multiple_of": ("must be a multiple of {}", "multiple_of"),
}
_WITH_OFFSET = "Write it like 2026-01-31T09:00:00Z, or with +01:00."


class Misfit(ValueError):
    """Raised by a model's own check: what is wrong, and what to do about it."""

    def __init__(self, said: str, remedy: str) -> None:
        super().__init__(said)
        self.remedy = remedy


class Fault(Struct, frozen=True):
    """One error: where, what and what to do. `is_about_key` means that the key itself is wrong."""

    path: Path
    message: str
    code: str
    remedy: str = ""
    is_about_key: bool = False
    meant: str = ""
    """For an unknown key: the one that was probably meant."""


class _Unquoted(str):
    """A text that may be a secret in the wrong place, for messages."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "this text"


def faults(error: ValidationError, model: type[BaseModel], document: Any, unquoted: Path | None = None) -> list[Fault]:
    """Return the violations of `model` by `document`; errors of alternatives of one field are merged.

    `unquoted`: messages repeat no text below this path, which may be a secret.
    """
    found: dict[Path, list[dict[str, Any]]] = {}
    for one in error.errors(include_url=False):
        path = tuple(_real_path(document, one["loc"]))
        if one["type"] == "missing":
            path = (*path, one["loc"][-1])
        if unquoted is not None and path[: len(unquoted)] == unquoted and isinstance(one.get("input"), str):
            one["input"] = _Unquoted("text")
        found.setdefault(path, []).append(dict(one))
    return [_fault(path, errors, model) for path, errors in found.items()]


def first_fault(error: ValidationError) -> tuple[Fault, Any]:
    """Return the first error of a value that no person wrote, and the value seen."""
    one = error.errors(include_url=False)[0]
    path = tuple(part for part in one["loc"] if "[" not in str(part))
    return _fault(path, [dict(one)], BaseModel), one.get("input")


def _real_path(document: Any, location: Path) -> Iterator[str | int]:
    """Yield the parts of a path that are in the document: pydantic adds others for alternatives and keys."""
    value = document
    for part in location:
        if _is_inside(value, part):
            value = value[part]
            yield part


def _is_inside(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _fault(path: Path, errors: Sequence[Mapping[str, Any]], model: type[BaseModel]) -> Fault:
    kinds = [error["type"] for error in errors]
    if kinds[0] == "extra_forbidden":
        return _stray(path, model)
    if kinds[0] == "missing":
        return _missing(path, model)
    if all(kind in _WORDS for kind in kinds):
        words = list(dict.fromkeys(_WORDS[kind] for kind in kinds))
        return _wrong_type(path, words, errors[0].get("input"), _or_removed(path, model))
    error = next(error for error in errors if error["type"] not in _WORDS)
    fault = _wrong_value(path, error, _or_removed(path, model))
    return replace(fault, is_about_key=error["loc"][-1:] == ("[key]",))


def _or_removed(path: Path, model: type[BaseModel]) -> str:
    """Return the other remedy for a value that need not be there, as the end of a sentence."""
    if path and isinstance(path[-1], int):
        return ", or remove the entry."
    field = _field_of(_model_at(model, path[:-1]), str(path[-1])) if path else None
    return "." if field is not None and field.is_required() else ", or remove the key."


def _stray(path: Path, model: type[BaseModel]) -> Fault:
    name = str(path[-1])
    keys = [field.alias or key for key, field in _model_at(model, path[:-1]).model_fields.items()]
    near = nearest(name, keys)
    remedy = f"Did you mean {near!r}?" if near else f"Known here: {listed(keys)}."
    return Fault(path, f"There is no key {name!r} here.", "unknown_key", remedy, is_about_key=True, meant=near or "")


def _missing(path: Path, model: type[BaseModel]) -> Fault:
    name, field = str(path[-1]), _model_at(model, path[:-1]).model_fields.get(str(path[-1]))
    examples = (field.examples if field is not None else None) or ()
    remedy = f"Add {name!r}, such as {json.dumps(examples[0])}." if examples else f"Add {name!r}."
    return Fault(path, f"The key {name!r} is missing.", "missing_key", remedy)


def _wrong_type(path: Path, words: Sequence[str], seen: Any, or_removed: str) -> Fault:
    wanted = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    remedy = _FORMS.get(words[0], "")
    if words[0] == _TEXT and isinstance(seen, dict | list | None):
        remedy = "Write one text in quotes." if seen is not None else f"Write a text in quotes{or_removed}"
    return Fault(path, f"{_named(path)} must be {wanted}, not {_seen(seen)}.", "wrong_type", remedy)


def _wrong_value(path: Path, error: Mapping[str, Any], or_removed: str) -> Fault:
    kind, context, seen = error["type"], error.get("ctx", {}), error.get("input")
    if kind in ("too_short", "string_too_short"):
        remedy = "Add a step." if path and path[-1] == "steps" else f"Give it a value{or_removed}"
        return Fault(path, f"{_named(path)} must not be empty.", "wrong_value", remedy)
    if kind in ("too_long", "string_too_long"):
        most = context.get("max_length")
        return Fault(path, f"{_named(path)} is too long: at most {most}.", "wrong_value", "Make it shorter.")
    if kind in _LIMITS:
        words, limit = _LIMITS[kind]
        said = words.format(number_text(context[limit]) if isinstance(context[limit], float) else context[limit])
        return Fault(
            path, f"{_named(path)} {said}, not {_seen(seen)}.", "wrong_value", "Choose a number in that range."
        )
    if kind == "union_tag_invalid":  # the tag is wrong, and reported like any other value
        path, kind, seen = (*path, context["discriminator"].strip("'")), "enum", context["tag"]
        context = {"expected": context["expected_tags"]}
    if kind in ("literal_error", "enum"):
        expected = str(context["expected"])
        remedy = f"Write {expected}." if " or " not in expected else f"Choose one: {expected}."
        return Fault(path, f"{_named(path)} must be {expected}, not {_seen(seen)}.", "wrong_value", remedy)
    if kind == "timezone_aware":
        said = f"{_named(path)} must include its UTC offset, not {_seen(seen)}."
        return Fault(path, said, "wrong_value", _WITH_OFFSET)
    if kind == "string_pattern_mismatch":
        remedy = f"It must match the pattern {context['pattern']}"
        return Fault(path, f"{_named(path)} has the wrong format: {_seen(seen)}.", "wrong_value", remedy)
    return _own_words(path, error)


def _own_words(path: Path, error: Mapping[str, Any]) -> Fault:
    """Return the error of one of our checks (or a rare one of pydantic's), without pydantic's prefix."""
    said = own_words(error).removeprefix("Input ")
    remedy = getattr(error.get("ctx", {}).get("error"), "remedy", "")
    if not path or isinstance(error.get("input"), dict) or not said.startswith(("must ", "should ", "takes ")):
        return Fault(path, f"{said[:1].upper()}{said[1:]}.", "wrong_value", remedy)  # it applies to the whole
    return Fault(path, f"{_named(path)} {said}, not {_seen(error.get('input'))}.", "wrong_value", remedy)


def _named(path: Path) -> str:
    name = path[-1] if path else ""
    if isinstance(name, int):
        inside = next((part for part in reversed(path) if isinstance(part, str)), "")
        return f"Entry {name + 1} of {inside!r}" if inside else f"Entry {name + 1}"
    return f"{name!r}" if name else "This"


def _seen(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    words = {None: "null", True: "true", False: "false"}
    shown = words[value] if value is None or isinstance(value, bool) else repr(_without_password(value))
    return shown if len(shown) <= 60 else shown[:60] + "…"


def _without_password(value: Any) -> Any:
    """Return a text without what stands before the host of an address: it may be a password."""
    if not isinstance(value, str) or "://" not in value or "@" not in value:
        return value
    return f"{value.partition('://')[0]}://…@{value.rpartition('@')[2]}"


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """Return the model of the value at a path; in a union, an item of a list may have another model than an object."""
    for part, following in zip(path, (*path[1:], ""), strict=False):
        field = _field_of(model, str(part))
        models = [] if field is None else list(_models_in(field.annotation))
        if models:
            model = models[-1 if isinstance(following, int) else 0]
    return model


def _field_of(model: type[BaseModel], key: str) -> FieldInfo | None:
    by_alias = {field.alias: field for field in model.model_fields.values() if field.alias}
    return by_alias.get(key) or model.model_fields.get(key)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
