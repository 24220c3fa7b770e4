"""Check the field names in a step's `with`: unknown names are reported, and misspelt ones corrected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from clients.wording import listed, nearest
from engine.compiler.checks.report import Report
from engine.documents.json_file import JsonPath
from engine.plugins.step import PluginType, fields_schema

T = TypeVar("T")


def meant_fields(path: JsonPath, fields: Mapping[str, T], kind: PluginType, report: Report) -> dict[str, T]:
    """Return the fields of a step under their correct names; unknown names go to the report.

    Names that resemble no known one are kept, so that their expressions are checked as well.
    """
    schema = fields_schema(kind.fields)
    known = list(schema.get("properties", {}))
    strange = [name for name in fields if name not in known]
    if not strange:
        return dict(fields)
    free = [name for name in known if name not in fields]
    lacking = [name for name in schema.get("required", []) if name in free]
    meant: dict[str, str] = {}
    for name in strange:
        near = nearest(name, known)
        remedy = f"Did you mean {near!r}?" if near else f"There are: {listed(sorted(known))}."
        if near is None and len(strange) == len(lacking) == 1:
            near, remedy = lacking[0], f"{kind.name} needs {lacking[0]!r}. {remedy}"
        if near is not None and near in free and near not in meant.values():
            meant[name] = near
        report.add((*path, name), f"{kind.name} has no field {name!r}.", "unknown_field", remedy)
    report.renamed.update({(*path, right): (*path, wrong) for wrong, right in meant.items()})
    return {meant.get(name, name): value for name, value in fields.items()}
