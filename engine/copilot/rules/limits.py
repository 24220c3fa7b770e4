"""What the co-pilot does not do, and what it has to ask for before it can do anything."""

from __future__ import annotations

import re

from engine.copilot.wizard.unused import without

_I = re.IGNORECASE
_KEY = re.compile(
    r"\b(?:sk-[\w-]{4,}|ghp_\w+|xox[bp]-\S+)|"
    r"\b(?:my|mein\w*|here is)\b.{0,12}\b(?:api[- ]?key|password|passwor[td]|token|secret|schlüssel)\b",
    _I,
)
_ACTS = re.compile(
    r"\b(?:save (?:it|this)|(?:switch|turn) (?:it|this) on|activate (?:it|this)|"
    r"run (?:it|this)\b.*\b(?:now|real|for me)|"
    r"delete\b.*\bfor good|speicher\w* (?:es|das)|schalt\w* (?:es|das)? ?.*\bein|führ\w* (?:es|das) .*\baus)\b",
    _I,
)
_UNKNOWN_SERVICES = re.compile(
    r"\b(?P<it>WhatsApp|Signal|Facebook|Instagram|Twitter|TikTok|LinkedIn|Microsoft Teams|MS Teams|Outlook|SharePoint|"
    r"Jira|Trello|Asana|Salesforce|HubSpot|Zendesk|Shopify|Stripe|PayPal|Airtable|Monday\.com|ClickUp|Linear|"
    r"Bitbucket|Confluence|Twilio)\b",
    _I,
)
_OTHER = re.compile(
    r"\b(?:(?:my |the |an? )?other|another|mein\w* ander\w*|ein\w* ander\w*|de[nmr] ander\w*) "
    r"(?P<it>channel|account|repository|database|label|address|kanal|konto|adresse)\b",
    _I,
)
_ELSEWHERE = re.compile(r"\b(?:somewhere else|elsewhere|anderswo|woanders|anderswohin|woandershin)\b", _I)
_PERSON = re.compile(r"\b(?i:send|mail|forward|schick\w*|sende|leite)\b.*\b(?:to|an) (?P<it>[A-ZÄÖÜ][a-zäöüß]+)$")
_VAGUE = re.compile(
    r"^(?:please |bitte )?(?:make|mach) (?:it|this|es|das) (?:better|nicer|faster|besser|schöner|schneller)$", _I
)
_OLD_ONES = re.compile(r"\b(?:throw away|get rid of|delete|clean up|wirf|lösch\w*) (?:the |die )?(?:old|alten?)\b", _I)

_REPOSITORY = re.compile(r"(?<![\w./:@-])(?P<owner>[A-Za-z0-9][\w-]*+)/(?P<name>[A-Za-z0-9][\w.-]*+)(?![\w/])")
_LONGEST_OWNER, _LONGEST_NAME = 39, 100
"""As GitHub allows."""
_SHOWN = 60


def refusal(said: str) -> str:
    """Return why a request cannot be met, and what to do instead; empty if it may be."""
    if _KEY.search(said):
        return (
            "A key does not belong in a workflow, which others may read. Put it into the .env file or enter it on the "
            "page Connections; the workflow names only the connection. If it was sent to somebody, make a new one."
        )
    if _ACTS.search(said):
        return (
            "I cannot save, switch on or run anything: I only propose changes. Accept a proposal, save it, then run it "
            "or turn its trigger on."
        )
    service = _UNKNOWN_SERVICES.search(said)
    if service:
        return f"There is no step for {service['it']}. `http.request` calls any service that has a web API."
    return _of_repositories(said)


def _of_repositories(said: str) -> str:
    """Return which repository cannot be one; empty if each can."""
    for found in _REPOSITORY.finditer(without(said, ())):
        if len(found["owner"]) > _LONGEST_OWNER or len(found["name"]) > _LONGEST_NAME:
            name = found[0] if len(found[0]) <= _SHOWN else f"{found[0][:_SHOWN]}…"
            return (
                f"“{name}” is not a repository on GitHub: its owner has at most {_LONGEST_OWNER} characters, and its "
                f"name at most {_LONGEST_NAME}."
            )
    return ""


def question(said: str) -> str:
    """Return what has to be known before a request can be met; empty if nothing is missing."""
    found = _question(said)
    return f"{found} Say the whole request again, with the answer in it." if found else ""


def _question(said: str) -> str:
    plain = said.strip().rstrip(".!")
    other = _OTHER.search(plain)
    if _ELSEWHERE.search(plain):
        return "Where to? Say the channel, database, repository or address."
    if other:
        return f"Which {other['it']}? Say its name."
    person = _PERSON.search(plain)
    if person:
        return f"Which address does {person['it']} have?"
    if _VAGUE.search(plain):
        return "What should be better: which items it takes, what becomes of them, or how often it runs?"
    if _OLD_ONES.search(plain):
        return "What should go: which items, how old, and should they be closed, archived or deleted?"
    return ""
