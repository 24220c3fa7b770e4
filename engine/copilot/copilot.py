"""The `copilot` area: conversations, what is proposed for drafts, and answers without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.copilot.fixes.fixes import Fixes
    from engine.copilot.prompting.prompting import Prompting
    from engine.copilot.proposals.proposals import Proposals
    from engine.copilot.proposals.restoring import Restoring
    from engine.copilot.rules.rules import Rules
    from engine.copilot.stepping.stories import Stories
    from engine.copilot.talking.talking import Talking
    from engine.copilot.wizard.wizard import Wizard


class Copilot:
    """A co-pilot never saves a file, and never runs on a real account."""

    def __init__(
        self,
        proposals: Proposals,
        restoring: Restoring,
        rules: Rules,
        talking: Talking,
        wizard: Wizard,
        fixes: Fixes,
        prompting: Prompting,
        stories: Stories,
    ) -> None:
        self.proposals, self.restoring, self.rules, self.talking = proposals, restoring, rules, talking
        self.wizard, self.fixes, self.prompting, self.stories = wizard, fixes, prompting, stories
