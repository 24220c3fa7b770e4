"""Which accounts judge the answers to cases: those that assertions name, beside that of the column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.base.statuses import AccountMode
from engine.connections.accounts import Account
from engine.prompts.assertions import Judge
from engine.prompts.cases import Case
from engine.runs.trying.wishes import Wishes


@dataclass(frozen=True)
class JudgeAccount:
    """The account of a connection that judges."""

    connection: str
    demo: bool
    account: Account | None
    """None if only recorded opinions are used."""


def judging_connections(cases: Iterable[Case]) -> list[str]:
    """Return the connections that assertions name, by name; cases with problems count for nothing."""
    models = (one.model() for one in cases if not one.problems)
    found = (each for model in models for each in model.assertions)
    return sorted({each.connection for each in found if isinstance(each, Judge) and each.connection})


def judges_of(cases: Iterable[Case], wishes: Wishes, *, is_offline: bool) -> Mapping[str, JudgeAccount]:
    """Return the accounts by connection; what is no connection of a model is left out.

    Raises InvalidInput if an account is not ready to be asked.
    """
    known = set(wishes.connections())
    found = {}
    for name in (one for one in judging_connections(cases) if one in known):
        connection, mode = wishes.target(name)
        account = None if is_offline else wishes.account(name)
        found[name] = JudgeAccount(connection, mode == AccountMode.DEMO, account)
    return found
