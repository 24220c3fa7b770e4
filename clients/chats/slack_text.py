"""What Slack writes as people see it: escapes, links and mentions become plain text."""

from __future__ import annotations

import re

_MARKED = re.compile(r"<([@#!][^<>|\n]+|[a-z][a-z0-9+.-]*:[^<>|\n]+)(?:\|([^<>\n]*))?>")
"""docs.slack.dev/messaging/formatting-message-text: links and mentions; a `<` of the text itself is escaped."""


def plain_text(text: str) -> str:
    """Return a message's text without Slack's signs: `<https://a.example|b>` becomes `b (https://a.example)`.

    A mention keeps the name that Slack gives, else the id: `<@U1|ann>` becomes `@ann`, `<!here>` becomes `@here`.
    """
    return _unescaped(_MARKED.sub(lambda found: _shown(found[1], found[2] or ""), text))


def _shown(target: str, label: str) -> str:
    sign, name = target[:1], target[1:]
    if sign == "@":
        return f"@{(label or name).removeprefix('@')}"
    if sign == "#":
        return f"#{(label or name).removeprefix('#')}"
    if sign == "!":
        if name.startswith(("date^", "subteam^")):
            return label or name.partition("^")[2]
        return f"@{(label or name).removeprefix('@')}"
    address = target.removeprefix("mailto:")
    return address if not label or label in (target, address) else f"{label} ({address})"


def _unescaped(text: str) -> str:
    # `&amp;` last: otherwise `&amp;lt;`, which is the text `&lt;`, would become `<`.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
