"""Which settings belong to a user, and are removed with them: drafts, the language, visits, what the co-pilot keeps."""

from __future__ import annotations

from engine.copilot.prompting.records import FOR_PROMPTS
from engine.copilot.proposals.records import BEFORE, FOR_WORKFLOWS
from engine.copilot.talking.consents import is_agreement_of
from engine.copilot.talking.records import TURNS
from engine.people.languages import is_language_of
from engine.people.visits import is_visit_of
from engine.workspace.drafts import is_draft_of


def belongs_to(user_id: str, key: str) -> bool:
    """Return whether the setting with this key is the user's."""
    if any(form.is_of(user_id, key) for form in (FOR_WORKFLOWS, BEFORE, FOR_PROMPTS, TURNS)):
        return True
    return any(is_of(user_id, key) for is_of in (is_draft_of, is_language_of, is_visit_of, is_agreement_of))
