"""`rules`: what its commands tell a person."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from clients.wording import counted
from commands.base.derived import Area, CalledWith
from commands.base.later_groups import Command, LaterGroup
from commands.base.screen import local_time, say, table
from engine.base.json_text import JsonObject, compact

if TYPE_CHECKING:
    from engine.runs.rules.proposals import RuleProposal
    from engine.runs.rules.rules import StepRules, WorkflowRules


def _commands() -> Sequence[Command]:
    from engine.runs.rules.rules import MailRules

    area = Area("rules", is_readable=True)
    return [area.command(act, _show) for act in (MailRules.of, MailRules.add, MailRules.move, MailRules.remove)]


group = LaterGroup("Rules that answer about mails in place of a model.", _commands)


def _show(found: WorkflowRules, given: CalledWith) -> None:
    if not found.steps:
        say(f"No step of {found.workflow} asks a model for an answer with fixed choices about a mail.")
    for one in found.steps:
        _step(found, one, given.zone)


def _step(found: WorkflowRules, one: StepRules, zone: str) -> None:
    say(f"{one.title} ({one.step})")
    if one.rules:
        rows = [
            [str(rule.number), _words(rule.when), _words(rule.answer), str(rule.answered), _time(rule.last_at, zone)]
            for rule in one.rules
        ]
        table(["RULE", "IF", "THEN", "ANSWERED", "LAST"], rows)
        say(f"ANSWERED: in the last {counted(found.runs, 'run')}.")
        for rule in one.rules:
            if rule.left_empty:
                say(f"Rule {rule.number}: {rule.left_empty}")
    else:
        say("There is no rule yet: the model is asked about each mail.")
    for proposal in one.proposals:
        _proposal(found.workflow, one, proposal)


def _proposal(workflow: str, step: StepRules, one: RuleProposal) -> None:
    say("")
    corrections = counted(one.corrections, "correction")
    say(f"Proposed by {corrections}: if {_words(one.when)}, then {_words(one.answer)}.")
    say(f"It would have matched {counted(one.matches, 'mail')}; {one.wrong} of them had another answer.")
    if one.left_empty:
        say(one.left_empty)
    rule = shlex.quote(compact({**one.when, "answer": one.answer}))  # an address may have quotes in it
    say(f"Add it: orchestra rules add {workflow} {step.step} {rule}")


def _time(at: str, zone: str) -> str:
    return local_time(at, zone) if at else ""


def _words(values: JsonObject) -> str:
    """Return e.g. `from news@example.org, subject_is Hello`."""
    said = {name: value if isinstance(value, str) else compact(value) for name, value in values.items()}
    return ", ".join(f"{name} {value}" for name, value in said.items())
