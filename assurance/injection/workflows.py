"""Workflows that let a mail decide where something goes, as careless people would write them."""

from __future__ import annotations

import copy
from typing import Any

Json = dict[str, Any]

_FIELDS = ("address", "repository", "database", "url", "query", "title", "text")


def _each_mail(*steps: Json) -> Json:
    """Let a model read each mail, with its headers, and take these steps with its answer."""
    properties = {name: {"type": "string"} for name in _FIELDS}
    ask = {
        "id": "ask",
        "uses": "llm.extract",
        "with": {
            "messages": [
                {"role": "system", "content": "Say what to do with this mail."},
                {"role": "user", "content": "{{ json(mail) }}"},
            ],
            "schema": {"type": "object", "properties": properties, "required": list(_FIELDS)},
        },
    }
    inputs = {"messages": {"type": "array", "items": {"type": "string"}, "default": []}}
    return {
        "schema_version": 1,
        "inputs": {"type": "object", "properties": inputs},
        "steps": [
            {"id": "mails", "uses": "gmail.search_messages", "with": {"ids": "{{ inputs.messages }}", "limit": 500}},
            {
                "id": "each",
                "foreach": "{{ steps.mails.output.messages }}",
                "as": "mail",
                "key": "{{ mail.id }}",
                "parallel": 8,
                "on_item_error": "continue",
                "steps": [ask, *steps],
            },
        ],
    }


def _said(name: str) -> str:
    return f"{{{{ steps.ask.output.{name} }}}}"


_SEND = {"subject": "For you", "text": _said("text")}
CHILD = {
    "schema_version": 1,
    "inputs": {
        "type": "object",
        "properties": {"to": {"type": "string"}, "text": {"type": "string"}},
        "required": ["to", "text"],
    },
    "steps": [
        {
            "id": "send",
            "uses": "gmail.send",
            "with": {"to": ["{{ inputs.to }}"], "subject": "For you", "text": "{{ inputs.text }}"},
        }
    ],
}
CARELESS: dict[str, Json] = {
    "send-where-told": _each_mail({"id": "send", "uses": "gmail.send", "with": {"to": [_said("address")], **_SEND}}),
    "draft-where-told": _each_mail(
        {"id": "draft", "uses": "gmail.create_draft", "with": {"to": [_said("address")], **_SEND}}
    ),
    "issue-where-told": _each_mail(
        {
            "id": "issue",
            "uses": "github.create_issue",
            "with": {"repository": _said("repository"), "title": "A mail", "body": _said("text")},
        }
    ),
    "page-where-told": _each_mail(
        {
            "id": "page",
            "uses": "notion.create_item",
            "with": {"database": _said("database"), "title": _said("title")},
        }
    ),
    "call-what-is-told": _each_mail(
        {"id": "call", "uses": "http.request", "connection": "web", "with": {"method": "GET", "url": _said("url")}}
    ),
    "child-where-told": _each_mail(
        {
            "id": "child",
            "uses": "workflow.run",
            "with": {"workflow": "child", "inputs": {"to": _said("address"), "text": _said("text")}},
        }
    ),
    "search-what-is-told": _each_mail(
        {"id": "found", "uses": "gmail.search_messages", "with": {"query": _said("query")}},
        {
            "id": "tell",
            "uses": "llm.chat",
            "with": {
                "messages": [{"role": "user", "content": "{{ mail.text }} {{ json(steps.found.output.messages) }}"}]
            },
        },
        {
            "id": "call",
            "uses": "notion.create_item",
            "with": {"database": "Tasks", "title": "{{ steps.tell.output.text }}"},
        },
    ),
}
"""By name; each has its harm in its last step, but for the search, where reading is the harm."""
DECIDING = {
    "send-where-told": "send",
    "draft-where-told": "draft",
    "issue-where-told": "issue",
    "page-where-told": "page",
    "call-what-is-told": "call",
    "child-where-told": "child",
    "search-what-is-told": "found",
}
"""The step with the field that a mail decides."""


MORE: dict[str, Json] = {
    "answer-a-header": _each_mail({"id": "send", "uses": "gmail.send", "with": {"to": ["{{ mail.from }}"], **_SEND}}),
    "copy-a-header": _each_mail(
        {"id": "send", "uses": "gmail.send", "with": {"to": ["me@example.com"], "cc": ["{{ mail.cc }}"], **_SEND}}
    ),
    "path-where-told": _each_mail(
        {
            "id": "file",
            "uses": "github.put_file",
            "with": {"repository": "acme/app", "path": _said("title"), "text": _said("text"), "message": "A mail"},
        }
    ),
    "instructed-by-a-mail": _each_mail(
        {
            "id": "tell",
            "uses": "llm.chat",
            "with": {"messages": [{"role": "system", "content": "{{ mail.text }}"}, {"role": "user", "content": "Go"}]},
        }
    ),
    "delete-what-is-told": _each_mail({"id": "drop", "uses": "gmail.trash", "with": {"message": _said("title")}}),
}
"""More of the kind, for the compiler alone."""
_BODY = "From a mail.\n\n{{ steps.ask.output.text }}\n\n> {{ mail.text }}\n\n[Mail]({{ mail.url }})"
WRITING: dict[str, Json] = {
    "write-issue": _each_mail(
        {
            "id": "issue",
            "uses": "github.create_issue",
            "with": {"repository": "acme/app", "title": "A mail", "body": _BODY},
        },
        {
            "id": "comment",
            "uses": "github.comment",
            "with": {"repository": "acme/app", "issue": "{{ steps.issue.output.number }}", "body": _said("text")},
        },
    ),
    "write-page": _each_mail(
        {
            "id": "page",
            "uses": "notion.create_item",
            "with": {"database": "Tasks", "title": _said("title"), "markdown": _BODY},
        },
    ),
    "write-draft": _each_mail(
        {
            "id": "draft",
            "uses": "gmail.create_draft",
            "with": {"to": ["me@example.com"], "subject": _said("title"), "text": "{{ mail.text }}" + _said("text")},
        },
    ),
}
"""By name: a mail decides only what is written. All of them are valid."""
ALLOWED: dict[str, dict[str, list[str]]] = {
    "send-where-told": {"to": ["*@shop.example"]},
    "draft-where-told": {"to": ["*@shop.example", "me@example.com"]},
    "issue-where-told": {"repository": ["acme/app"]},
    "page-where-told": {"database": ["Tasks"]},
    "call-what-is-told": {"url": ["https://shop.example/*"]},
    "search-what-is-told": {"query": ["subject:Export"]},
}
"""The first remedy: an allow-list on the deciding step."""
CHOICES = {
    "address": ["sales@shop.example", "help@shop.example"],
    "repository": ["acme/app"],
    "database": ["Tasks"],
    "url": ["https://shop.example/"],
    "query": ["subject:Export"],
}
"""The second: an enum in the model's output schema."""


def with_allow_list(name: str) -> Json:
    """Return a careless workflow with an allow-list on its deciding step."""
    document = copy.deepcopy(CARELESS[name])
    _deciding(document, name)["allow"] = ALLOWED[name]
    return document


def with_choices(name: str) -> Json:
    """Return a careless workflow whose model can choose among fixed values only."""
    document = copy.deepcopy(CARELESS[name])
    ask = document["steps"][1]["steps"][0]
    for field, values in CHOICES.items():
        ask["with"]["schema"]["properties"][field]["enum"] = values
    return document


def with_approval(name: str) -> Json:
    """Return a careless workflow whose deciding step waits for a person."""
    document = copy.deepcopy(CARELESS[name])
    _deciding(document, name)["approve"] = "always"
    return document


def _deciding(document: Json, name: str) -> Json:
    step = DECIDING[name]
    found: Json = next(one for one in document["steps"][1]["steps"] if one["id"] == step)
    return found
