"""Which accounts judge the answers to cases: the ones that assertions name, beside the column's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from clients.wording import did_you_mean
from engine.base.errors import InvalidInput
from engine.prompts.assertions import Judge
from engine.prompts.cases import Case
from engine.runs.prompt_tries.questions import ModelAccount

if TYPE_CHECKING:
    from engine.runs.prompt_tries.try_requests import TryRequests


def judging_connections(cases: Iterable[Case]) -> list[str]:
    """Return the connections that assertions name, by name; cases with problems count for nothing."""
    models = (one.model() for one in cases if not one.problems)
    found = (each for model in models for each in model.assertions)
    return sorted({each.connection for each in found if isinstance(each, Judge) and each.connection})


def judges_of(cases: Iterable[Case], try_requests: TryRequests, *, is_offline: bool) -> Mapping[str, ModelAccount]:
    """Return the accounts by connection.

    Raises InvalidInput for a connection that is not a model's, or that is not ready to be asked; if only recorded
    opinions are used, such a connection is left out.
    """
    cases, known, found = list(cases), try_requests.connections(), {}
    for name in judging_connections(cases):
        if name not in known:
            if is_offline:
                continue
            raise _unknown(name, cases, known)
        found[name] = try_requests.model(name, is_offline=is_offline)
    return found


def _unknown(name: str, cases: Sequence[Case], known: Sequence[str]) -> InvalidInput:
    case = next(one.case for one in cases if name in judging_connections([one]))
    remedy = did_you_mean(name, known) or f"Connections of models: {', '.join(known) or 'none'}."
    return InvalidInput(f"The case {case!r} is judged by {name!r}, which is no connection of a model.", remedy=remedy)
