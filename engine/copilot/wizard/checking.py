"""Whether choices fit together, before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clients.errors import InvalidRequest
from clients.github.values import repository_name
from clients.wording import counted, nearest
from engine.base.errors import InvalidInput
from engine.copilot.wizard.parts import COLUMNS, value_key
from engine.copilot.wizard.places import filled_in, misfit, place
from engine.copilot.wizard.records import Choices, Chosen, ItemCount, OwnText, WhenToStart
from engine.copilot.wizard.sources import BY_NAME as SOURCES
from engine.copilot.wizard.sources import ItemSource, has_part
from engine.copilot.wizard.targets import BY_NAME as TARGETS
from engine.copilot.wizard.targets import WizardTarget


def check(choices: Choices) -> None:
    """Raise InvalidInput with the choice that does not fit, and what would."""
    source = SOURCES.get(choices.source)
    if source is None:
        raise _unknown("source", choices.source, list(SOURCES))
    _check_start(choices, source)
    _check_filters(choices, source)
    _check_kinds(choices)
    _check_values(choices, source)
    for number, chosen in enumerate(choices.targets):
        _check_target(choices, source, chosen, f"targets[{number}]")


def fits(target: WizardTarget, source: ItemSource) -> bool:
    """Return whether a target can be done with the items of a source."""
    service = (source.uses or source.trigger).partition(".")[0]
    has_parts = all(has_part(source, one) for one in target.parts)
    return has_parts and (not target.services or service in target.services)


def _check_start(choices: Choices, source: ItemSource) -> None:
    if not source.uses and choices.start is not WhenToStart.NEW:
        raise _wrong("start", choices.start, f"{source.title}: only something new can start it.", 'Choose "new".')
    if choices.start is WhenToStart.NEW and not source.trigger:
        said = f"{source.title}: nothing tells when there is a new one."
        raise _wrong("start", choices.start, said, 'Choose "schedule" or "hand".')
    if choices.start is WhenToStart.SCHEDULE and not choices.cron.strip():
        raise _wrong("cron", choices.cron, "A schedule needs its times.", 'Name them, such as "0 8 * * 1".')
    if choices.start is WhenToStart.NEW and choices.amount is not ItemCount.EACH and not source.ids:
        said = "A workflow that starts for each new item is about one item."
        raise _wrong("amount", choices.amount, said, 'Choose "each", or another start.')
    wanted = (source.places, source.optional)
    _check_places(*wanted, choices.places, "places", source.title)
    _check_values_of_places(choices.places, source.uses or source.trigger, "places", is_trigger=not source.uses)


def _check_filters(choices: Choices, source: ItemSource) -> None:
    only = choices.only
    if only.is_new and choices.start is not WhenToStart.SCHEDULE:
        said = "Only a schedule has a last time."
        raise _wrong("only.is_new", only.is_new, said, 'Choose "schedule" as the start, or leave it out.')
    for name in sorted(only.model_fields_set - {"above"}):
        is_given = getattr(only, name) != type(only).model_fields[name].default
        if is_given and name not in source.filters:
            has = ", ".join(source.filters) or "none"
            raise _wrong(
                f"only.{name}", getattr(only, name), f"{source.title} cannot be filtered so.", f"It has: {has}."
            )
    if only.newer_days and only.newer_days <= only.older_days:
        said = f"Nothing is both untouched for {counted(only.older_days, 'day')} and not older than that."
        remedy = f"Choose more than {only.older_days}, or leave one of them out."
        raise _wrong("only.newer_days", only.newer_days, said, remedy)


def _check_kinds(choices: Choices) -> None:
    for name in choices.kinds:
        if not name.strip():
            raise _wrong("kinds", name, "A kind needs a name.", "Name it, or leave it out.")
    if choices.amount is not ItemCount.EACH and choices.kinds:
        said = "A model sorts items one by one."
        raise _wrong("kinds", ", ".join(choices.kinds), said, 'Choose "each" as the amount, or leave the kinds out.')


def _check_values(choices: Choices, source: ItemSource) -> None:
    keys: set[str] = set()
    for one in choices.values:
        key = value_key(one.name)
        if not key or key in keys:
            said = "It is there twice." if key else "It has no letter from A to Z."
            raise _wrong("values", one.name, said, "Give it another name.")
        keys.add(key)
    if choices.amount is not ItemCount.EACH and choices.values:
        said = "A model reads items one by one."
        raise _wrong("values", ", ".join(one.name for one in choices.values), said, 'Choose "each" as the amount.')
    if choices.is_file_read and not (choices.values and source.parts.get("files")):
        said = "Attached files are read to find values in them, and only mail has some."
        raise _wrong("is_file_read", choices.is_file_read, said, "Name the values, or leave it out.")


def _check_columns(choices: Choices, source: ItemSource, columns: Mapping[str, str], field: str) -> None:
    known = {one.name.casefold(): one.name for one in choices.values}
    known |= {one: one for one in COLUMNS if source.parts.get(one)}
    for role in columns.values():
        if role.casefold() not in known:
            raise _unknown(field, role, list(known.values()))


def _check_target(choices: Choices, source: ItemSource, chosen: Chosen, field: str) -> None:
    target = TARGETS.get(chosen.target)
    if target is None:
        raise _unknown(f"{field}.target", chosen.target, list(TARGETS))
    if not fits(target, source):
        fitting = ", ".join(one.name for one in TARGETS.values() if fits(one, source))
        raise _wrong(f"{field}.target", chosen.target, f"It is not for {source.title}.", f"Choose one of: {fitting}.")
    if choices.amount not in target.amounts:
        amounts = ", ".join(target.amounts)
        raise _wrong("amount", choices.amount, f"{target.title} is for: {amounts}.", "Choose one of these.")
    if chosen.when and chosen.when not in choices.kinds:
        known = ", ".join(choices.kinds) or "none"
        raise _wrong(f"{field}.when", chosen.when, "There is no such kind.", f"The kinds are: {known}.")
    if target.text is OwnText.NEEDED and not chosen.text.strip():
        raise _wrong(f"{field}.text", chosen.text, f"{target.title} needs a text.", "Write one.")
    _check_places(target.places, target.optional, chosen.places, f"{field}.places", target.title)
    _check_values_of_places(chosen.places, target.uses, f"{field}.places")
    columns = filled_in(chosen.places, target.uses).get("columns", {})
    _check_columns(choices, source, columns, f"{field}.places.columns")


def _check_places(
    wanted: Sequence[str], optional: Sequence[str], given: Mapping[str, str], field: str, title: str
) -> None:
    for name in given:
        if name not in (*wanted, *optional):
            raise _unknown(f"{field}.{name}", name, [*wanted, *optional])
    for name in wanted:
        if not given.get(name, "").strip():
            raise _wrong(f"{field}.{name}", "", f"{title} needs its {name}.", "Fill it in.")


def _check_values_of_places(given: Mapping[str, str], uses: str, field: str, *, is_trigger: bool = False) -> None:
    """Raise InvalidInput if a field of the step or trigger cannot have what was filled in for it."""
    filled = filled_in(given, uses, is_trigger=is_trigger)
    for name, value in given.items():
        if value.strip() and (said := misfit(name, filled.get(name), uses, is_trigger=is_trigger)):
            raise _wrong(f"{field}.{name}", value, said, "Write something else.")
        is_plain = value.strip() and "{{" not in value
        if is_plain and place(name, uses, is_trigger=is_trigger).format == "github-repository":
            _check_repository(value, f"{field}.{name}")


def _check_repository(value: str, field: str) -> None:
    try:
        repository_name(value)
    except InvalidRequest as error:
        raise _wrong(field, value, "It is not a repository on GitHub.", error.remedy) from error


def _unknown(field: str, name: str, known: Sequence[str]) -> InvalidInput:
    near = nearest(name, known)
    hint = f"Did you mean {near!r}?" if near else f"There are: {', '.join(known) or 'none'}."
    return _wrong(field, name, "There is nothing of this name.", hint)


def _wrong(field: str, value: object, said: str, remedy: str) -> InvalidInput:
    return InvalidInput(f"{field}: {str(value)!r}. {said}", remedy=remedy, field=field)
