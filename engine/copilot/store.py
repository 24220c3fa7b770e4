"""What the co-pilot keeps for each person, by the name of the file that it is about."""

from __future__ import annotations

from engine.copilot.keeping.lists import KeptLists
from engine.copilot.prompting.records import FOR_PROMPTS, PromptProposal
from engine.copilot.proposals.records import BEFORE, FOR_WORKFLOWS, Before, Proposal
from engine.copilot.talking.records import TURNS, Turn
from engine.store.settings import Settings


class CopilotStore:
    """Turns of conversations, proposals, and texts from before a proposal."""

    def __init__(self, settings: Settings) -> None:
        self.turns: KeptLists[Turn] = KeptLists(settings, TURNS)
        self.proposals: KeptLists[Proposal] = KeptLists(settings, FOR_WORKFLOWS)
        self.before: KeptLists[Before] = KeptLists(settings, BEFORE)
        self.prompt_proposals: KeptLists[PromptProposal] = KeptLists(settings, FOR_PROMPTS)

    def follow_workflow(self, name: str, new: str) -> None:
        """Keep what belongs to a workflow under its new name; an empty name removes it."""
        for kept in (self.proposals, self.before, self.turns):
            kept.follow(name, new)

    def follow_prompt(self, name: str, new: str) -> None:
        """Keep what belongs to a prompt under its new name; an empty name removes it."""
        self.prompt_proposals.follow(name, new)
        self.turns.follow(f"prompt:{name}", new and f"prompt:{new}")
