"""`ask --model`: a turn with the co-pilot's model, its words as they are written."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from commands.base.screen import note, printable, say
from engine.base.errors import InvalidInput

if TYPE_CHECKING:
    from commands.base.session import CommandSession
    from engine.copilot.proposals.records import ModelUse
    from engine.copilot.talking.records import About, ModelSetup, Turn, TurnTokens
    from engine.copilot.talking.working import TurnFeed

_LOOK_SECONDS = 0.05


def selected(steps: Sequence[str], run: str, values: Sequence[str]) -> About:
    """Return what `ask` is about: steps, a run, and the paths of its steps whose values may be sent."""
    from engine.copilot.talking.records import About  # here: `orchestra --help` loads no models of documents

    return About([*steps], run, [*values])


def asked_model(session: CommandSession, words: str, workflow: str, about: About, *, agrees: bool, quiet: bool) -> Turn:
    """Ask the model, show its words unless `quiet`, and return the turn.

    Raises InvalidInput if no workflow is named, no model is there, or nobody has agreed to what goes to it.
    """
    talking, p = session.orchestra.copilot.talking, session.principal
    if not workflow:
        raise InvalidInput("A model is asked about a workflow.", remedy="Name it: `--workflow NAME`.")
    agreed_setup(session, agrees=agrees)
    turn, feed = talking.start(p, workflow, words, about)
    followed(feed, quiet=quiet)
    return next(one for one in talking.conversation(p, workflow).turns if one.id == turn.id)


def agreed_setup(session: CommandSession, *, agrees: bool, otherwise: str = "Ask without `--model`.") -> None:
    """Show what goes to the model if nobody has agreed to it yet, and agree to it with `agrees`.

    `otherwise`: what to do if there is no model. Raises InvalidInput if there is no model, or nobody agrees.
    """
    talking, p = session.orchestra.copilot.talking, session.principal
    setup = talking.setup(p)
    if not setup.is_available:
        raise InvalidInput(setup.why_not, remedy=otherwise)
    if not setup.is_agreed:
        _show(setup)
        if not agrees:
            raise InvalidInput(
                f"You have not agreed that this goes to {setup.model!r} at {setup.host}.",
                remedy="Agree to it with `--agree`, once.",
            )
        talking.agree(p, setup.host, setup.model)


def followed(feed: TurnFeed, *, quiet: bool) -> None:
    """Wait for the end of a turn, and show its words unless `quiet`."""
    told = 0
    while not feed.is_over or told < len(feed.events):
        for name, data in feed.events[told:]:
            told += 1
            if not quiet:
                _tell(name, data)
        time.sleep(_LOOK_SECONDS)


def show_end(turn: Turn) -> None:
    """Show what follows the words: questions, why it is not whole, and what it used."""
    for part in turn.parts:
        if part.kind == "question":
            say(f"\n{part.text}")
            for choice in part.choices:
                say(f"  {choice}")
    if turn.problem:
        note(turn.problem)
    note(f"{turn.sent.model} at {turn.sent.host}: {use_words(turn.usage)}, {turn.seconds:.1f} s.")


def use_words(use: TurnTokens | ModelUse) -> str:
    """Return tokens and money as words: `4,210 tokens, $0.0123`."""
    cost = "an unknown price" if use.cost_usd is None else f"${use.cost_usd:.4f}"
    return f"{use.input_tokens + use.output_tokens:,} tokens, {cost}"


def _show(setup: ModelSetup) -> None:
    note(f"To {setup.model} at {setup.host} would go:")
    for one in setup.sends:
        note(f"- {one}")


def _tell(name: str, data: object) -> None:
    if name == "text" and isinstance(data, dict):
        sys.stdout.write(printable(str(data["text"])))
        sys.stdout.flush()
    elif name == "part" and isinstance(data, dict) and data["kind"] == "diagram":
        say(f"{data['text']}\n")
    elif name == "part":
        sys.stdout.write("\n")
    elif name == "call" and isinstance(data, dict):
        note(str(data["words"]))
