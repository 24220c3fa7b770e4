"""The `copilot.wizard` area: what may be chosen, and the workflow that choices make."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from engine.base.services import is_for, service_of
from engine.copilot.wizard.checking import check, fits
from engine.copilot.wizard.composing import Composing
from engine.copilot.wizard.parts import COLUMNS
from engine.copilot.wizard.places import place
from engine.copilot.wizard.records import Choices, FilledField, Offer, Offers, OwnText
from engine.copilot.wizard.sources import BY_NAME, SOURCES, ItemSource
from engine.copilot.wizard.targets import BY_NAME as TARGET_OF
from engine.copilot.wizard.targets import TARGETS, WizardTarget
from engine.people.access import Principal
from engine.people.operation import operation
from engine.plugins.registry import step_type, trigger_type
from engine.plugins.step import PluginType

if TYPE_CHECKING:
    from engine.workflows.workflow_files import CreatedWorkflow, WorkflowFiles


class Wizard:
    """A workflow made of choices. No model is asked."""

    def __init__(self, workflows: WorkflowFiles, services: Callable[[], Collection[str]]) -> None:
        """`services()`: the services with a connection that lacks nothing."""
        self._workflows, self._services = workflows, services

    @operation("copilot.wizard", "edit", "use the wizard", "List what the wizard offers")
    def offers(self, p: Principal) -> Offers:
        """Return everything that may be chosen."""
        connected = self._services()
        sources = [_source_offer(one, connected) for one in SOURCES]
        return Offers(sources=sources, targets=[_target_offer(one, connected) for one in TARGETS])

    @operation("copilot.create_by_wizard", "edit", "use the wizard", "Create a workflow by the wizard")
    def create(
        self, p: Principal, workflow: str, choices: Choices, say: Callable[..., str] = str.format
    ) -> CreatedWorkflow:
        """Create the workflow of some choices and, on the demo, the connections that it lacks.

        `say` translates the titles of its steps and inputs (`TEXTS` of `composing.py`), and fills them in. It starts
        nothing until its trigger is turned on. Raises InvalidInput with the choice that does not fit, InUse,
        StorageError.
        """
        check(choices)
        document = Composing(choices, choices.title or _title(choices), say).document()
        return self._workflows.create_from(p, workflow, document, sorted(_services_of(choices)))


def _services_of(choices: Choices) -> set[str]:
    """Return the services whose accounts the workflow of some choices uses."""
    source = BY_NAME[choices.source]
    kinds: list[type[PluginType] | PluginType] = [step_type(TARGET_OF[one.target].uses) for one in choices.targets]
    kinds.append(step_type(source.uses) if source.uses else trigger_type(source.trigger))
    return {one for one in map(_service, kinds) if one}


def _title(choices: Choices) -> str:
    """Return a title: what is read, and what becomes of it."""
    done = [TARGET_OF[one.target].title for one in choices.targets]
    later = [one[:1].lower() + one[1:] for one in done[1:]]
    return f"{BY_NAME[choices.source].title}: {' and '.join([done[0], *later])}"[:200]


def _source_offer(one: ItemSource, connected: Collection[str]) -> Offer:
    kind = one.uses or one.trigger
    service = _service(step_type(kind) if one.uses else trigger_type(kind))
    return Offer(
        name=one.name,
        title=one.title,
        service=service,
        is_connected=_is_connected(service, connected),
        places=_places(one),
        can_start=bool(one.trigger),
        needs_start=not one.uses,
        filters=one.filters,
        parts=tuple(role for role in COLUMNS if one.parts.get(role)),
        is_single=not one.ids,
        has_files="files" in one.parts,
    )


def _places(one: ItemSource) -> tuple[FilledField, ...]:
    kind, is_trigger = one.uses or one.trigger, not one.uses
    wanted = [place(name, kind, is_trigger=is_trigger) for name in one.places]
    return (*wanted, *(place(name, kind, is_trigger=is_trigger, is_optional=True) for name in one.optional))


def _target_offer(one: WizardTarget, connected: Collection[str]) -> Offer:
    kind = step_type(one.uses)
    return Offer(
        name=one.name,
        title=one.title,
        service=_service(kind),
        is_connected=_is_connected(_service(kind), connected),
        places=tuple(place(name, one.uses, is_optional=name in one.optional) for name in (*one.places, *one.optional)),
        sources=tuple(source.name for source in SOURCES if fits(one, source)),
        amounts=one.amounts,
        text=one.text if one.text_field or one.text is OwnText.WISH else OwnText.NONE,
    )


def _service(kind: type[PluginType] | PluginType) -> str:
    """Return the service that must be connected; empty if no service is needed."""
    return "" if kind.connection_optional or service_of(kind.service) is None else str(kind.service)


def _is_connected(service: str, connected: Collection[str]) -> bool:
    return not service or any(is_for(one, service) for one in connected)
