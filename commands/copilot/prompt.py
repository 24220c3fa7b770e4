"""`ask --prompt`: a turn with the co-pilot's model about a prompt, and the text that it proposes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from msgspec import Struct

from commands.base.agreeing import at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.screen import document, note, say
from commands.copilot.accepting import ticks_given
from commands.copilot.model import agreed_setup, followed, show_end

if TYPE_CHECKING:
    from commands.base.session import CommandSession
    from engine.copilot.prompting.records import PromptProposal
    from engine.copilot.talking.records import Turn


class PromptQuestion(Struct, frozen=True):
    """What `ask --prompt` asks, and what the person agrees to."""

    words: str
    prompt: str
    cases: Sequence[str]
    """Cases whose values may be sent to the model."""
    ticks: Sequence[str]
    agrees: bool
    """Whether the person agrees to what goes to the model."""
    yes: bool
    """Whether the account that answers the cases may be asked."""
    is_accepted: bool
    """Whether the text that is proposed last becomes the draft."""


def ask_about_prompt(session: CommandSession, question: PromptQuestion, *, as_json: bool) -> int:
    """Ask about a prompt, show the text that is proposed last, and accept it if that is wanted.

    Raises InvalidInput as `ask --model` does, and what accepting raises.
    """
    prompting, p, prompt = session.orchestra.copilot.prompting, session.principal, question.prompt
    agreed_setup(session, agrees=question.agrees, otherwise="Only a model changes prompts.")
    from engine.copilot.prompting.records import PromptAbout

    turn, feed = prompting.start(p.agreeing(question.yes), prompt, question.words, PromptAbout([*question.cases]))
    followed(feed, quiet=as_json)
    turn = next(one for one in prompting.conversation(p, prompt).turns if one.id == turn.id)
    made = _last(session, prompt, turn)
    if made is not None and made.is_acceptable and question.is_accepted:
        ticks = ticks_given(made, question.ticks, is_asked=at_terminal(as_json=as_json))
        made = prompting.proposals.accept(p, prompt, made.id, ticks)
    if as_json:
        document({"turn": asdict(turn), "proposal": None if made is None else asdict(made)})
    else:
        if made is not None:
            _show(made)
        show_end(turn)
    return DONE if turn.status == "done" else FAILED


def _last(session: CommandSession, prompt: str, turn: Turn) -> PromptProposal | None:
    ids = [one.proposal_id for one in turn.parts if one.kind == "proposal"]
    return session.orchestra.copilot.prompting.proposals.get(session.principal, prompt, ids[-1]) if ids else None


def _show(made: PromptProposal) -> None:
    for line in made.diff.splitlines():
        say(line)
    for sentence in made.sentences:
        note(sentence)
    for problem in made.problems:
        note(f"{problem.severity}: {problem}")
    if made.report is None:
        note(f"The cases have not been asked: {made.not_tested}" if made.not_tested else "")
    else:
        for one in made.report.cases:
            note(f"{one.title}: {one.before} before, {one.after} with this text")
    if made.status == "accepted":
        before = "" if made.version is None else f" The text from before is version {made.version}."
        note(f"It is the draft of {made.prompt} now.{before} Workflows use it once a version of it is saved.")
        return
    for tick in made.ticks:
        note(f"To agree to: {tick.words} (--tick {tick.id})")
    note("`--accept` makes it the draft." if made.is_acceptable else "It cannot be accepted like this.")
