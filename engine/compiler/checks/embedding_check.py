"""Check the connection whose model makes the vectors of a step that works on a collection."""

from __future__ import annotations

from engine.base.services import makes_vectors, services
from engine.compiler.checks.connection_check import NeededConnection, add_one, fitting_connection
from engine.compiler.checks.report import Report
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath
from engine.plugins.step import EMBEDDING, StepType

_NEEDED = "a model that makes vectors"


def check_embedding(
    path: JsonPath, step: StepModel, kind: StepType, around: CompilerContext, report: Report
) -> str | None:
    """Return the connection that the step at `path` names for making vectors, if any.

    Mistakes go to the report.
    """
    given = step.with_.get(EMBEDDING)
    if EMBEDDING not in kind.fields.model_fields or not given or not isinstance(given, str):
        return None
    place = (*path, "with", EMBEDDING)
    if "{{" in given:
        words = "The connection must be known before a run, to ask for consent and to estimate the cost."
        report.add(place, words, "connection", "Write its name, without {{ }}.")
        return None
    fitting = [name for name, service in around.names.items() if makes_vectors(service)]
    needs = NeededConnection(kind.name, _NEEDED, add_one([one.name for one in services() if one.embedding_model]))
    named = fitting_connection(place, given, needs, fitting, around.names, report)
    return None if named is None else around.stands_for(named)
