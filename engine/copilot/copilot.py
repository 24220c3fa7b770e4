"""The `copilot` area: conversations, what is proposed for drafts, and answers without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.copilot.fixes.fixes import Fixes
    from engine.copilot.prompting.prompting import Prompting
    from engine.copilot.proposals.proposals import Proposals
    from engine.copilot.proposals.restoring import Restoring
    from engine.copilot.stepping.stories import Stories
    from engine.copilot.talking.talking import Talking
    from engine.copilot.without_model.without_model import WithoutModel
    from engine.copilot.wizard.wizard import Wizard


class Copilot:
    """A co-pilot never saves a file, and never runs on a real account."""

    def __init__(
        self,
        proposals: Proposals,
        restoring: Restoring,
        without_model: WithoutModel,
        talking: Talking,
        wizard: Wizard,
        fixes: Fixes,
        prompting: Prompting,
        stories: Stories,
    ) -> None:
        self.proposals, self.restoring, self.talking = proposals, restoring, talking
        self.without_model = without_model
        self.wizard, self.fixes, self.prompting, self.stories = wizard, fixes, prompting, stories
