"""Finds what a question is about: steps of the workflow, and step types and triggers for new ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache

from engine.base.step_tree import StepDefinition, StepNode
from engine.base.synonyms import MEANINGS
from engine.base.text_index import TextIndex
from engine.expressions.patterns import linear
from engine.plugins.registry import step_types, trigger_types
from engine.plugins.step import StepType
from engine.plugins.trigger import TriggerType
from engine.workflows.samples import samples

_OF_ALL = r"(?i)\b(?:workflows?|steps?|add|new|make|each|every)\b"
"""Words of requests that say nothing of a step type."""
_CHANNEL = r"#[a-z][\w-]+"
_TO_CHANNEL = 3
"""How much more a step type with a channel counts for a question that names one."""
_LOOKED_AT = 60
_OF_ONE_SERVICE = 3
"""Services have types that differ in few words, such as one for each kind of mail account."""
_OF_USE = 0.5
_WITHOUT_CONNECTION = 0.25
"""How much a step type counts whose service nobody has connected here."""
_OF_TRIGGER = 0.45
"""The share of the score of the best step type from which a trigger may be meant."""


def concerned(
    nodes: Sequence[StepNode[StepDefinition]], selection: Collection[str], wrong: Collection[str], asked: str
) -> tuple[list[StepNode[StepDefinition]], list[StepNode[StepDefinition]]]:
    """Return the steps that a question is about for certain, and all, the likeliest first.

    Certain are those that are selected, that the question names by id or title, and with problems (`wrong`).
    """
    said = f" {' '.join(asked.casefold().replace('_', ' ').split())} "
    named = [one for one in nodes if any(_is_in(name, said) for name in (one.step.id, one.step.title))]
    chosen = [one for one in nodes if one.step.id in selection]
    broken = [one for one in nodes if one.step.id in wrong]
    certain = {one.path: one for one in [*chosen, *named, *broken]}
    texts = [f"{one.step.uses} {one.step.title}".replace(".", " ").replace("_", " ") for one in nodes]
    index = TextIndex([one.step.id.replace("_", " ") for one in nodes], texts, MEANINGS)
    best = index.best(asked, len(nodes))
    ranked = {one.path: one for one in [*certain.values(), *(nodes[place] for place, _ in best), *nodes[::-1]]}
    return list(certain.values()), list(ranked.values())


def _is_in(name: str, said: str) -> bool:
    words = name.casefold().replace("_", " ").strip()
    at = said.find(words) if words else -1
    return at > 0 and not said[at - 1].isalnum() and not said[at + len(words)].isalnum()


def fitting_types(asked: str, connected: Collection[str], most: int) -> tuple[list[StepType], list[TriggerType]]:
    """Return the step types whose words fit best, the best first, and the trigger that may be meant, if one is.

    `connected`: services; others count less.
    """
    steps, triggers, asked = step_types(), trigger_types(), linear(_OF_ALL).sub(" ", asked)
    to_channel = linear(_CHANNEL).search(asked) is not None
    asked = linear(_CHANNEL).sub(" chat message channel ", asked)
    named = [
        one for one in {kind.service for kind in steps.values()} if one and one.replace("_", " ") in asked.casefold()
    ]
    connected = {*connected, *named}
    scored = [
        (
            score * _weight(steps[name], connected) * (_TO_CHANNEL if to_channel and _has_channel(steps[name]) else 1),
            name,
        )
        for name, score in _best(steps, asked)
    ]
    ranked = sorted(scored, key=lambda one: (-one[0], one[1]))
    least = ranked[0][0] * _OF_TRIGGER if ranked else 0.0
    of_triggers = [triggers[name] for name, score in _best(triggers, asked)[:1] if score >= least]
    return [steps[name] for name in _of_many_services(ranked, steps)][:most], of_triggers


def _weight(kind: StepType, connected: Collection[str]) -> float:
    """Return how likely a step type is before anything is asked: shipped workflows show what is usual."""
    used = sum(kind.title in one for one in _in_samples())
    return (1 + _OF_USE * math.log2(1 + used)) * (
        1 if kind.service is None or kind.service in connected else _WITHOUT_CONNECTION
    )


def _has_channel(kind: StepType) -> bool:
    return "channel" in kind.fields.model_fields


@cache
def _in_samples() -> list[frozenset[str]]:
    return [frozenset(one.steps) for one in samples()]


def _of_many_services(ranked: Sequence[tuple[float, str]], steps: Mapping[str, StepType]) -> Iterator[str]:
    seen: Counter[str | None] = Counter()
    for _, name in ranked:
        service = steps[name].service
        seen[service] += 1
        if service is None or seen[service] <= _OF_ONE_SERVICE:
            yield name


def _best(kinds: Mapping[str, StepType] | Mapping[str, TriggerType], asked: str) -> list[tuple[str, float]]:
    names = tuple(sorted(kinds))
    titles = tuple(f"{name.replace('.', ' ').replace('_', ' ')} {kinds[name].title}" for name in names)
    texts = tuple(kinds[name].__doc__ or "" for name in names)
    return [(names[place], score) for place, score in _index(titles, texts).best(asked, _LOOKED_AT)]


@lru_cache(maxsize=4)
def _index(titles: tuple[str, ...], texts: tuple[str, ...]) -> TextIndex:
    return TextIndex(titles, texts, MEANINGS)
