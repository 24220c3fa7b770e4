"""Load an installed package, and see that it widens nothing: neither a name of ours, nor what strangers may decide.

docs/extending.md says what a package may declare. What it adds is code in this process: this finds mistakes and wrong
declarations, not malice that goes past them.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from clients.errors import InvalidRequest
from clients.reads import BASE, SERVER
from clients.service import Service
from engine.base.json_text import JsonSchema
from engine.base.services import is_client, is_shipped, pickers, service_of
from engine.expressions.extensions import is_known
from engine.expressions.function_table import Function, packaged
from engine.packages.in_force import Added, PackageRefused, see_none
from engine.packages.installed import EntryPoint, Package
from engine.plugins.registry import STEPS, TRIGGERS, checked, is_of_workspace, types_in
from engine.plugins.step import Call, Directive, JsonValue, PluginType, Prompts, Result, Role, StepType, fields_schema
from engine.plugins.trigger import TriggerType

Kind = TypeVar("Kind", bound=PluginType)
_SERVICE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TYPE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_FUNCTION = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MAY_DECLARE = frozenset(
    "name title icon settings offered_as error_name usual_name url key needs_key beside_key has_accounts reads pickers"
    " finders public_place link".split()
)
"""The members of `Service` that a package may set; the others say what this program trusts a service with."""
_MAY_NOT = ("keeps_files", "sees_edits", "is_tool")
"""Members of `StepType` that a package may not set: they give a step what others have written."""
_ROLES = frozenset({Role.CONTENT, Role.DESTINATION, Role.INSTRUCTION})
_NO_TEXT = frozenset({"number", "integer", "boolean", "null"})
_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties")
_INSIDE = ("items", "additionalProperties", "anyOf", "oneOf", "allOf", "prefixItems")
_PROMISES = frozenset({"outside", "sender", "address", "format", "enum", "const"})
"""What a schema promises about texts: no answer is checked against it."""


def load(package: Package) -> Added:
    """Import a package, except its pages, and return what it adds. Raises PackageRefused for whatever is wrong."""
    try:
        return _load(package)
    except (PackageRefused, KeyboardInterrupt):
        raise
    except BaseException as error:  # an import may also raise SystemExit
        raise PackageRefused(f"{type(error).__name__}: {str(error) or 'no message'}".splitlines()[0][:300]) from error


def tried() -> None:
    """Load a package in the process that only tries it, its pages too: print the mark, and why it cannot be loaded.

    The arguments are the path, the package as JSON and the mark.
    """
    see_none()
    package, mark = msgspec.json.decode(sys.argv[2], type=Package), sys.argv[3]
    try:
        load(package)
        for entry in package.of("pages"):
            importlib.import_module(entry.value)
        failure = ""
    except PackageRefused as error:
        failure = str(error)
    except Exception as error:  # noqa: BLE001 - a page
        failure = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    sys.stdout.write(f"\n{mark}{failure}\n")
    sys.stdout.flush()


def _load(package: Package) -> Added:
    services = {kind.service.name: kind for entry in package.of("services") for kind in _clients(entry)}
    steps = {kind.name: kind for entry in package.of("steps") for kind in _steps(entry, services)}
    triggers = {kind.name: kind for entry in package.of("triggers") for kind in _triggers(entry, services)}
    return Added(package, services, steps, triggers, functions_of(package), tuple(package.of("pages")))


def functions_of(package: Package) -> dict[str, Function]:
    """Return the functions that a package adds. Raises PackageRefused, and whatever its import raises."""
    return {entry.name: _function(entry) for entry in package.of("functions")}


def _clients(entry: EntryPoint) -> Iterator[Any]:
    module = importlib.import_module(entry.value)
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__]
    found = [kind for kind in kinds if is_client(kind)]
    if not found:
        raise PackageRefused(f"The module {entry.value} has no client: a class with a `service`.")
    for kind in found:
        _require_narrow(kind.service)
        yield kind


def _require_narrow(service: Service) -> None:
    name = service.name
    if not _SERVICE.fullmatch(name):
        raise PackageRefused(f"The service {name!r} needs a name of small letters, digits and underscores.")
    if is_shipped(name):
        raise PackageRefused(f"The service {name!r} comes with this program, and cannot be replaced.")
    usual = Service(name=name, title=service.title, icon=service.icon, settings=service.settings)
    for member in Service.__struct_fields__:
        if member not in _MAY_DECLARE and getattr(service, member) != getattr(usual, member):
            raise PackageRefused(f"The service {name!r} declares `{member}`, which no package may.")
    for read in service.reads:
        if read.method not in {"GET", "HEAD"} or read.at not in {BASE, SERVER} or read.body is not None:
            raise PackageRefused(
                f"The service {name!r} declares {read.method} {read.path} as a read. "
                "Of a package, only GET and HEAD at its own address may be one."
            )
    for form in service.pickers:
        if form in pickers():
            raise PackageRefused(f"The format {form!r} of a picker is one of this program.")


def _steps(entry: EntryPoint, services: Mapping[str, Any]) -> Iterator[StepType]:
    for kind in _types(entry, StepType):  # type: ignore[type-abstract]
        if STEPS.is_shipped(kind.name):
            raise PackageRefused(f"The step type {kind.name!r} comes with this program, and cannot be replaced.")
        for member in _MAY_NOT:
            if getattr(kind, member) != getattr(StepType, member):
                raise PackageRefused(f"The step type {kind.name!r} declares `{member}`, which no package may.")
        _require_fitting(kind, services)
        made: StepType = checked(_within(FromPackage, kind)())
        made.output_schema({}, {})
        yield made


def _triggers(entry: EntryPoint, services: Mapping[str, Any]) -> Iterator[TriggerType]:
    for kind in _types(entry, TriggerType):  # type: ignore[type-abstract]
        if TRIGGERS.is_shipped(kind.name):
            raise PackageRefused(f"The trigger type {kind.name!r} comes with this program, and cannot be replaced.")
        _require_fitting(kind, services)
        made: TriggerType = checked(_within(TriggerFromPackage, kind)())
        made.item_schema_of({})
        yield made


def _types(entry: EntryPoint, base: type[Kind]) -> list[type[Kind]]:
    found = types_in(importlib.import_module(entry.value), base)
    if not found:
        raise PackageRefused(f"The module {entry.value} has no {base.__name__}.")
    return found


def _within(guard: type[Any], kind: type[Any]) -> Any:
    """Return the type with a guard around it."""
    return type(kind.__name__, (guard, kind), {"__doc__": kind.__doc__, "__module__": kind.__module__})


def _require_fitting(kind: type[PluginType], services: Mapping[str, Any]) -> None:
    """Require a name and a service of its own, and a role for each field that takes text."""
    name = kind.name
    if not _TYPE.fullmatch(name) or is_of_workspace(name):
        raise PackageRefused(f"{name!r} is no name of a type: write `service.action` in small letters.")
    if kind.service is not None and kind.service not in services and service_of(kind.service) is None:
        raise PackageRefused(f"{name!r} needs the service {kind.service!r}, which there is not.")
    schema = fields_schema(kind.fields)
    if kind.fields.model_config.get("extra") != "forbid":
        raise PackageRefused(f"The fields of {name!r} take any name: leave `extra` as `Fields` has it.")
    for field, declared in schema.get("properties", {}).items():
        if declared.get("role") not in _ROLES and _takes_text(declared, schema):
            raise PackageRefused(
                f"The field `{field}` of {name!r} takes text and does not say which: declare it with `content`, which "
                "strangers may fill, `destination` or `instruction`."
            )


def _takes_text(schema: Any, root: JsonSchema) -> bool:
    if not isinstance(schema, Mapping):
        return schema is not False
    if "enum" in schema or "const" in schema:
        return False
    if "$ref" in schema:
        return _takes_text(root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2]), root)
    choices = [one for key in ("anyOf", "oneOf", "allOf") for one in schema.get(key, ())]
    if choices:
        return any(_takes_text(one, root) for one in choices)
    if schema.get("type") == "array":
        return _takes_text(schema.get("items"), root)
    return schema.get("type") not in _NO_TEXT


def _function(entry: EntryPoint) -> Function:
    module, _, name = entry.value.partition(":")
    call: Callable[[Any], str] = getattr(importlib.import_module(module), name)
    if not _FUNCTION.fullmatch(entry.name) or is_known(entry.name):
        raise PackageRefused(f"The function {entry.name!r} has a name that expressions use already, or cannot use.")
    if not callable(call):
        raise PackageRefused(f"The function {entry.name!r} cannot be called.")
    return packaged(entry.name, (inspect.getdoc(call) or "").partition("\n")[0], call)


def from_outside(schema: Any) -> Any:
    """Return a schema in which every text comes from outside, whatever its author has declared of it."""
    if isinstance(schema, list):
        return [from_outside(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _PROMISES}
    for key in _SCHEMAS:
        if isinstance(kept.get(key), Mapping):
            kept[key] = {name: from_outside(one) for name, one in kept[key].items()}
    for key in _INSIDE:
        if key in kept:
            kept[key] = from_outside(kept[key])
    return {**kept, "outside": True}


class FromPackage(StepType):
    """What holds for every step type of a package."""

    heavy = True  # nobody knows how long it blocks, and pure steps run on the engine's loop

    def is_derived(self, arguments: Mapping[str, JsonValue]) -> bool:
        """Return False: it may have read anything."""
        return False

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the schema that the package declares, with each text as one from outside."""
        schema: dict[str, JsonValue] = from_outside(super().output_schema(arguments, prompts))
        return schema

    def seen_schema(
        self, arguments: Mapping[str, JsonValue], schema: dict[str, JsonValue], seen: Any
    ) -> dict[str, JsonValue]:
        """Return the schema with what the account was seen to have, also with each text as one from outside."""
        found: dict[str, JsonValue] = from_outside(super().seen_schema(arguments, schema, seen))
        return found

    def call(self, call: Call) -> Result:
        """Make the call; only an output comes back. Raises InvalidRequest for anything that the engine would obey."""
        result = super().call(call)  # type: ignore[safe-super]
        if isinstance(result, Directive):
            said = f"{self.name} asks the engine for {type(result).__name__}, which no step type of a package may."
            raise InvalidRequest(said)
        return result


class TriggerFromPackage(TriggerType):
    """What holds for every trigger type of a package."""

    def item_schema(self) -> JsonSchema:
        """Return the schema that the package declares, with each text as one from outside."""
        schema: JsonSchema = from_outside(super().item_schema())
        return schema

    def item_schema_of(self, fields: Mapping[str, Any]) -> JsonSchema:
        """Return the same for a trigger with these fields."""
        schema: JsonSchema = from_outside(super().item_schema_of(fields))
        return schema
