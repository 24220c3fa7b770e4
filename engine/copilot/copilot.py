"""The `copilot` facet: what is proposed for drafts, and answers without a model."""

from __future__ import annotations

from engine.copilot.proposals.proposals import Proposals
from engine.copilot.rules.rules import Rules


class Copilot:
    """A co-pilot never saves a file, and never runs on a real account."""

    def __init__(self, proposals: Proposals, rules: Rules) -> None:
        self.proposals, self.rules = proposals, rules
