"""The `copilot.wizard` area: what may be chosen, and the proposal that choices make."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from clients.wording import listed
from engine.base.errors import UnknownName
from engine.base.names import checked_workflow
from engine.base.services import is_for, service_of
from engine.copilot.proposals.records import Proposal
from engine.copilot.wizard.checking import check, fits
from engine.copilot.wizard.composing import Composing, Operation
from engine.copilot.wizard.places import place
from engine.copilot.wizard.records import Choices, Chosen, FilledField, ItemCount, Offer, Offers, WhenToStart
from engine.copilot.wizard.sources import BY_NAME, SOURCES, ItemSource
from engine.copilot.wizard.targets import BY_NAME as TARGET_OF
from engine.copilot.wizard.targets import TARGETS, WizardTarget
from engine.documents.json_file import object_in
from engine.files import atomic as files
from engine.people.access import Principal
from engine.people.operation import operation
from engine.plugins.registry import step_type, trigger_type
from engine.plugins.step import Effect, PluginType
from engine.triggers.cron import cron_words
from engine.workspace.blanks import blank_workflow, is_blank, title_of

if TYPE_CHECKING:
    from engine.copilot.proposals.proposals import Proposals
    from engine.workflows.editing.editing import WorkflowEditing

_HELLO = "hello"
"""The only step of a workflow that nobody has touched."""


class Wizard:
    """A workflow made of choices. No model is asked."""

    def __init__(self, proposals: Proposals, editing: WorkflowEditing, services: Callable[[], Collection[str]]) -> None:
        """`services()`: the services that the workspace has connections to."""
        self._proposals, self._editing, self._services = proposals, editing, services

    @operation("copilot.wizard", "edit", "use the wizard", "List what the wizard offers")
    def offers(self, p: Principal) -> Offers:
        """Return everything that may be chosen."""
        connected = self._services()
        sources = [_source_offer(one, connected) for one in SOURCES]
        return Offers(sources=sources, targets=[_target_offer(one, connected) for one in TARGETS])

    @operation("copilot.propose_by_wizard", "edit", "use the wizard", "Propose a workflow by the wizard")
    def propose(self, p: Principal, workflow: str, choices: Choices) -> Proposal:
        """Propose the workflow of some choices: instead of a blank one, or else at the end of what is there.

        Raises InvalidInput with the choice that does not fit, UnknownName, NotAllowed.
        """
        check(choices)
        base = self._base(p, workflow)
        ops = operations(choices, base)
        return self._proposals.make(p, workflow, base.rev, ops, in_words(choices), source="rules")

    def _base(self, p: Principal, workflow: str) -> Base:
        try:
            canvas = self._editing.canvas(p, workflow)
        except UnknownName:
            blank = blank_workflow(title_of(checked_workflow(workflow)))
            return Base(blank, [_HELLO], files.etag(blank), is_new=True)
        return Base(canvas.text, [one.id for one in canvas.steps], canvas.rev)


class Base(Struct, frozen=True):
    """The text that choices are added to."""

    text: str
    steps: Sequence[str]
    """The ids of its steps."""
    rev: str
    is_new: bool = False
    """Whether there is no file of it yet: its title then says what it does, and otherwise stays as a person gave it."""


def operations(choices: Choices, base: Base) -> list[Operation]:
    """Return the operations of choices that have been checked."""
    title = choices.title or _title(choices)
    is_new = _is_blank(base)
    ops = Composing(choices, [] if is_new else base.steps, title).operations()
    if is_new:
        has_hello = list(base.steps) == [_HELLO]
        ops += [{"op": "remove", "steps": [_HELLO]}, {"op": "unset", "field": "outputs"}] if has_hello else []
        ops += [{"op": "set", "field": "title", "value": title}] if base.is_new or choices.title else []
    return ops


def _is_blank(base: Base) -> bool:
    """Return whether a workflow has no steps yet, or only the step of a new file."""
    return not base.steps or is_blank(object_in(base.text))


def _title(choices: Choices) -> str:
    """Return a title: what is read, and what becomes of it."""
    done = [TARGET_OF[one.target].title for one in choices.targets]
    later = [one[:1].lower() + one[1:] for one in done[1:]]
    return f"{BY_NAME[choices.source].title}: {' and '.join([done[0], *later])}"[:200]


def in_words(choices: Choices) -> str:
    """Return choices as a sentence, so that a person sees what was understood."""
    source = BY_NAME[choices.source]
    start = {
        WhenToStart.HAND: "when you start it",
        WhenToStart.NEW: "for each new one",
        WhenToStart.SCHEDULE: cron_words(choices.cron),
    }
    given = [
        *choices.places.values(),
        *(_filter(*one) for one in choices.only.model_dump(exclude_defaults=True).items()),
    ]
    what = f"{source.title}{f' ({listed(given)})' if given else ''}, {start[choices.start]}"
    kinds = (
        f", sorted by a model into {listed(list(dict.fromkeys([*choices.kinds, 'other'])))}" if choices.kinds else ""
    )
    summed = ", summed up by a model" if choices.is_summarized else ""
    return f"{what}{kinds}{summed}: {listed([_done(one, choices) for one in choices.targets])}"


def _done(one: Chosen, choices: Choices) -> str:
    title = TARGET_OF[one.target].title
    places = f" ({listed(list(one.places.values()))})" if one.places else ""
    how = {ItemCount.EACH: "", ItemCount.LIST: ", all in one", ItemCount.COUNT: ", only how many there are"}[
        choices.amount
    ]
    when = f" if it is {one.when}" if one.when else ""
    return f"{title[:1].lower()}{title[1:]}{places}{how}{when}"


def _filter(name: str, value: object) -> str:
    shown = listed(list(value)) if isinstance(value, list | tuple) else value
    return f"{name.replace('_', ' ')}: {shown}"


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
        places=tuple(place(name, one.uses) for name in one.places),
        sources=tuple(source.name for source in SOURCES if fits(one, source)),
        amounts=one.amounts,
        takes_text=bool(one.text_field),
        needs_text=one.needs_text,
        writes=kind.effect is Effect.WRITES,
    )


def _service(kind: type[PluginType] | PluginType) -> str:
    """Return the service that must be connected; empty if no service is needed."""
    return "" if kind.connection_optional or service_of(kind.service) is None else str(kind.service)


def _is_connected(service: str, connected: Collection[str]) -> bool:
    return not service or any(is_for(one, service) for one in connected)
