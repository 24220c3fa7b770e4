"""The `copilot.prompting` area: conversations with a model about a prompt."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from engine.base.errors import InvalidInput
from engine.base.names import checked_name
from engine.connections.accounts import Account
from engine.copilot.prompting.aliases import aliases
from engine.copilot.prompting.proposals import PromptProposals
from engine.copilot.prompting.records import PromptAbout
from engine.copilot.prompting.told import messages, told_cases
from engine.copilot.prompting.tools import TOOLS, PromptTools
from engine.copilot.talking.model import CopilotModel
from engine.copilot.talking.records import About, Conversation, ModelSetup, Turn, TurnDestination, TurnPreview
from engine.copilot.talking.setup import Setups
from engine.copilot.talking.turns import Turns, checked_words
from engine.copilot.talking.used import names_of
from engine.copilot.talking.working import TurnFeed, Working
from engine.people.access import Principal
from engine.people.operation import operation
from engine.prompts.cases import Case
from engine.prompts.prompt_cases import PromptCases
from engine.runs.prompt_tries.tuning import PromptTuning

if TYPE_CHECKING:
    from engine.prompts.prompt_files import PromptFiles


def subject(prompt: str) -> str:
    """Return the name that the store keeps a conversation about a prompt under; no workflow can have it."""
    return f"prompt:{checked_name('prompt', prompt)}"


class Prompting(Struct, frozen=True):
    """Conversations about prompts; each person has their own. Only a model answers."""

    proposals: PromptProposals
    tuning: PromptTuning
    _prompts: PromptFiles
    _cases: PromptCases
    _setups: Setups
    _model: CopilotModel
    _turns: Turns

    @operation("copilot.prompt_conversation", "edit", "ask the co-pilot", "Read a conversation about a prompt")
    def conversation(self, p: Principal, prompt: str) -> Conversation:
        """Return the person's conversation about a prompt, empty before the first turn. Raises NotAllowed."""
        return replace(self._turns.conversation(p, subject(prompt)), workflow=prompt)

    @operation("copilot.forget_prompt_conversation", "edit", "ask the co-pilot", "Delete a conversation about a prompt")
    def forget(self, p: Principal, prompt: str) -> None:
        """Delete the conversation, and begin anew. Raises InUse (a turn is at work), NotAllowed."""
        self._turns.forget(p, subject(prompt))

    @operation("copilot.preview_prompt_turn", "edit", "ask the co-pilot", "See what a turn about a prompt would send")
    def preview(self, p: Principal, prompt: str, asked: str, about: PromptAbout) -> TurnPreview:
        """Return exactly what a turn would send first; nothing is sent. Raises as `start`."""
        found, _ = self._asked(p)
        _, sent = self._prepared(p, prompt, checked_words(asked), about)
        return self._setups.preview(found, sent, names_of(TOOLS))

    @operation("copilot.ask_about_prompt", "edit", "ask the co-pilot", "Ask the co-pilot about a prompt")
    def start(self, p: Principal, prompt: str, asked: str, about: PromptAbout | None = None) -> tuple[Turn, TurnFeed]:
        """Begin a turn, and return it with what happens in it; it goes on if nobody watches.

        The cases are asked with each proposed text if `p` agrees to the account that answers them: by default the
        account of the co-pilot's model.

        Raises InvalidInput (no model may be asked; no words, too many), InUse (a turn is at work), UnknownName,
        InvalidFile (the prompt is not a JSON object), NotAllowed.
        """
        about = about or PromptAbout()
        found, account = self._asked(p)
        if not found.is_agreed:
            raise InvalidInput(found.why_not, remedy="Look at what would be sent, and agree to it.")
        said, name = checked_words(asked), subject(prompt)
        self._turns.require_free(p, name)
        if not about.testing.connection:
            about = structs.replace(about, testing=structs.replace(about.testing, connection=found.connection))
        box, sent = self._prepared(p, prompt, said, about)
        to = TurnDestination(found.host, found.model, box.values_sent, box.from_outside)
        turn = replace(self._turns.new(said, About(values=about.cases)), sent=to)
        cost, feed = partial(self._setups.cost, account), TurnFeed()
        self._turns.begin(p, name, turn, Working(self._model, account, box, found.limits, cost, feed), sent)
        return turn, feed

    @operation("copilot.stop_prompt_turn", "edit", "ask the co-pilot", "Stop a turn about a prompt")
    def stop(self, p: Principal, prompt: str, turn_id: str) -> Turn:
        """End a turn that is at work. Raises UnknownName, NotAllowed."""
        return self._turns.stop(p, subject(prompt), turn_id)

    def _asked(self, p: Principal) -> tuple[ModelSetup, Account]:
        found, account = self._setups.setup(p, self._turns.limits), self._setups.account()
        if not found.is_available or account is None:
            raise InvalidInput(found.why_not, remedy="Connect a model: nothing else changes prompts.")
        return found, account

    def _prepared(
        self, p: Principal, prompt: str, asked: str, about: PromptAbout
    ) -> tuple[PromptTools, list[dict[str, Any]]]:
        file = self._prompts.get(p, prompt)
        if file.document is None:
            raise InvalidInput(f"The prompt {prompt!r} is not a JSON object.", remedy="Correct its text first.")
        before, cases = self._turns.conversation(p, subject(prompt)), self._cases.list(p, prompt)
        values = _known(cases, about.cases)
        names = aliases(cases, values, asked)
        box = PromptTools(
            p,
            prompt,
            file.etag,
            about.testing,
            self.proposals,
            from_outside=before.from_outside or bool(values),
            values_sent=values,
            names=names,
        )
        earlier = [one for one in before.turns if one.status != "working"]
        users = self._prompts.users(p, prompt)
        about_cases = told_cases(cases, file.document, values, names)
        told = messages(prompt, file.document, file.problems, about_cases, names, users, earlier, asked)
        return box, list[dict[str, Any]](told)


def _known(cases: list[Case], wanted: list[str]) -> list[str]:
    return [one.case for one in cases if one.case in wanted]
