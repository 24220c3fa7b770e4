"""Check the list `links` of a workflow, and find the places that the workflow names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from engine.base.definitions import PromptDefinition
from engine.base.errors import OrchestraError
from engine.compiler.checks.report import Report
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.links import link_fault, named_places
from engine.compiler.definition.model import WorkflowModel
from engine.plugins.registry import step_type

_LIKE = 'Write it like ["docs.example.org", "*.example.org"], or ["*"] for any host.'


def check_links(model: WorkflowModel, report: Report, around: CompilerContext) -> frozenset[str]:
    """Return the places to which text from outside may link, as patterns; wrong entries of `links` are reported."""
    for index, pattern in enumerate(model.links):
        if fault := link_fault(pattern):
            report.add(("links", index), f"A value of 'links' {fault}.", "wrong_value", _LIKE)
    prompts, services = list(_prompts(model, around)), sorted(set(_services(model)))
    return named_places(report.file.value, prompts, services, model.links)


def _prompts(model: WorkflowModel, around: CompilerContext) -> Iterator[PromptDefinition]:
    for node in model.nodes():
        reference = node.step.with_.get("prompt")
        if isinstance(reference, str):
            with suppress(OrchestraError):  # reported when the step is compiled
                yield around.prompts(reference)


def _services(model: WorkflowModel) -> Iterator[str]:
    for node in model.nodes():
        with suppress(OrchestraError):  # an unknown type is reported then, too
            if node.step.uses is not None and (service := step_type(node.step.uses).service):
                yield service
