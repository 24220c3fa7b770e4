"""Check the `fallback` of a model step: the models that it asks in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.base.services import is_model
from engine.compiler.checks.connection_check import model_connection
from engine.compiler.checks.report import Report
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.plan import PlannedFallback
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath
from engine.plugins.step import Prompts, StepType

FALLBACK = "fallback"
_EXAMPLE = 'Write {"connection": "NAME"}, {"model": "NAME"}, or both.'


def check_fallback(
    path: JsonPath,
    step: StepModel,
    kind: StepType,
    connection: str | None,
    prompts: Prompts,
    around: CompilerContext,
    report: Report,
) -> tuple[PlannedFallback, ...]:
    """Return the models that a step asks after its own; add mistakes to the report.

    `connection` is the name of the step's own.
    """
    connections = around.names
    given = step.with_.get(FALLBACK)
    if FALLBACK not in kind.fields.model_fields or not is_model(kind.service) or not given or connection is None:
        return ()
    if not isinstance(given, list) or "{{" in str(given):
        words = "The models of a `fallback` must be known before a run, to ask for consent and to estimate the cost."
        report.add((*path, "with", FALLBACK), words, FALLBACK, f"Write a list without {{{{ }}}}. {_EXAMPLE}")
        return ()
    prompt = prompts.get(str(step.with_.get("prompt") or "")) or {}
    first = PlannedFallback(connection, str(step.with_.get("model") or prompt.get("model") or ""))
    places: dict[PlannedFallback, str] = {first: "the step itself"}
    for place, entry in enumerate(given):
        if isinstance(entry, dict):  # any other form is reported as a fault of the field
            where = (*path, "with", FALLBACK, place)
            found = _entry(where, entry, kind, connection, connections, report)
            if found is not None:
                _add(where, found, f"entry {place + 1}", places, report)
    own = connections.get(connection)
    others = list(places)[1:]
    return tuple(
        PlannedFallback(around.stands_for(one.connection), one.model, connections.get(one.connection) != own)
        for one in others
    )


def _entry(
    path: JsonPath,
    entry: Mapping[str, Any],
    kind: StepType,
    own: str,
    connections: Mapping[str, str],
    report: Report,
) -> PlannedFallback | None:
    named, model = entry.get("connection") or "", entry.get("model") or ""
    if not isinstance(named, str) or not isinstance(model, str):
        return None
    if not named and not model:
        report.add(path, "This entry names neither a connection nor a model.", FALLBACK, _EXAMPLE)
        return None
    name = model_connection((*path, "connection"), named, kind, connections, report) if named else own
    return None if name is None else PlannedFallback(name, model)


def _add(path: JsonPath, found: PlannedFallback, here: str, places: dict[PlannedFallback, str], report: Report) -> None:
    if found in places:
        which = f"{found.model!r}" if found.model else "the model"
        message = f"{here.capitalize()} is the same as {places[found]}: {which} of the connection {found.connection!r}."
        remedy = "Remove it, or name another model: a model that has failed is not asked again."
        report.add(path, message, FALLBACK, remedy)
    else:
        places[found] = here
