"""What a pydantic model has against a document, in plain words and with the path of each place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

Path = tuple[str | int, ...]
_WORDS = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong: where, what and what to do. `is_about_key` tells that the key itself is wrong."""

    path: Path
    message: str
    code: str
    remedy: str = ""
    is_about_key: bool = False


def faults(error: ValidationError, model: type[BaseModel], document: Any) -> list[Fault]:
    """Return what `model` has against `document`; alternatives of one field are told once."""
    found: dict[Path, Fault] = {}
    for one in error.errors(include_url=False):
        path = tuple(_real_path(document, one["loc"]))
        found.setdefault(path, _fault(path, dict(one), model))
    return list(found.values())


def _real_path(document: Any, location: Path) -> Iterator[str | int]:
    """Leave out what pydantic adds for alternatives and keys; keep the name of a missing field at the end."""
    value = document
    for position, part in enumerate(location):
        if _is_inside(value, part):
            value = value[part]
            yield part
        elif position == len(location) - 1 and isinstance(value, dict) and "[" not in str(part):
            yield part


def _is_inside(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _fault(path: Path, error: dict[str, Any], model: type[BaseModel]) -> Fault:
    name = str(path[-1]) if path else ""
    kind = error["type"]
    if kind == "extra_forbidden":
        return Fault(path, f"There is no key {name!r} here.", "unknown_key", _known(model, path), is_about_key=True)
    if kind == "missing":
        return Fault(path, f"The key {name!r} is missing.", "missing_key")
    if kind in _WORDS:
        return Fault(path, f"{_named(name)} must be {_WORDS[kind]}, not {_seen(error.get('input'))}.", "wrong_type")
    if kind == "too_short":
        return Fault(path, f"{_named(name)} must not be empty.", "wrong_value")
    said = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    if kind == "value_error" and isinstance(error.get("input"), dict):  # said of the whole, not of one value
        return Fault(path, f"{said[0].upper()}{said[1:]}.", "wrong_value")
    return Fault(path, f"{_named(name)} {said}, not {_seen(error.get('input'))}.", "wrong_value")


def _named(name: str) -> str:
    return f"{name!r}" if name else "This"


def _seen(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    words = {None: "null", True: "true", False: "false"}
    shown = words[value] if value is None or isinstance(value, bool) else repr(value)
    return shown if len(shown) <= 60 else shown[:60] + "…"


def _known(model: type[BaseModel], path: Path) -> str:
    keys = [field.alias or name for name, field in _model_at(model, path[:-1]).model_fields.items()]
    near = get_close_matches(str(path[-1]), keys, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(keys)}."


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """Follow the types of the fields as far as they are models."""
    for part in path:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = next(_models_in(field.annotation), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
