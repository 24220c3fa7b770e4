"""What each node of n8n is here: the step type, where its fields come from, and what its output is called.

A row is found by the node's type, `resource` and `operation`; n8n leaves the last two out of a file where they are its
defaults. The names of parameters are those of n8n's own nodes (packages/nodes-base).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from engine.workflows.n8n.export import N8nNode
from engine.workflows.n8n.sources import (
    Source,
    chat,
    either,
    form_body,
    headers,
    json_body,
    key_column,
    key_of_row,
    labels,
    limit,
    listed,
    mail_html,
    mail_text,
    method,
    notion_blocks,
    notion_properties,
    notion_title,
    number,
    pairs,
    picked,
    raw_body,
    repository,
    row_values,
)


class Meant(Struct, frozen=True):
    """The step that a node becomes."""

    uses: str
    fields: Mapping[str, Source]
    gives: Mapping[str, str] = {}
    """The field of the output here for each one in n8n, `*` for all others: then what follows is put behind it."""
    many: str = ""
    """The list in the output whose items n8n gives one by one."""
    since: float = 0.0
    """The first version of the node with these parameters."""
    key: str = "id"
    """What tells the items apart, with `many`."""


def meant(node: N8nNode) -> Meant | None:
    """Return the row of a node, None if it has no counterpart."""
    defaults = _DEFAULTS.get(node.type, {"": ""})
    resource = str(node.parameters.get("resource", next(iter(defaults))))
    operation = str(node.parameters.get("operation", defaults.get(resource, "")))
    for key in ((node.type, resource, operation), (node.type, "", operation), (node.type, "", "")):
        if key in ROWS:
            return ROWS[key]
    return None


MAIL = {
    "id": "id",
    "threadId": "thread_id",
    "subject": "subject",
    "Subject": "subject",
    "from": "from",
    "From": "from",
    "from.value.0.address": "from",
    "from.text": "from",
    "to": "to",
    "To": "to",
    "text": "text",
    "textPlain": "text",
    "date": "received_at",
}
"""n8n's names of the parts of a mail."""
ISSUE = {
    "id": "id",
    "number": "number",
    "title": "title",
    "body": "body",
    "html_url": "url",
    "state": "state",
    "user.login": "author",
    "created_at": "created_at",
}
PAGE = {"id": "id", "url": "url", "name": "title", "title": "title", "*": "properties"}
_SENT = {"id": "id", "threadId": "thread_id"}
_ANSWER = {
    "message.content": "text",
    "text": "text",
    "output": "text",
    "response.text": "text",
    "choices.0.message.content": "text",
    "content.0.text": "text",
    "output.0.content.0.text": "text",
}
_WRITE_MAIL: dict[str, Source] = {
    "to": listed("sendTo"),
    "subject": "subject",
    "text": mail_text,
    "html": mail_html,
    "cc": listed("options.ccList"),
    "bcc": listed("options.bccList"),
}
_OF_ISSUE: dict[str, Source] = {"repository": repository, "issue": number("issueNumber")}
_SHEET: dict[str, Source] = {
    "spreadsheet": either("documentId", "sheetId"),
    "sheet": either("sheetName", "range"),
}
_DEFAULTS = {
    "gmail": {"message": "send", "draft": "create"},
    "github": {"issue": "create", "repository": "getIssues"},
    "notion": {"block": "append", "databasePage": "create", "page": "create"},
    "slack": {"message": "post"},
    "telegram": {"message": "sendMessage"},
    "discord": {"message": "send"},
    "googleSheets": {"sheet": "read"},
    "googleCalendar": {"event": "create"},
    "microsoftOutlook": {"message": "send"},
    "openAi": {"text": "message"},
}
"""The operation that a file leaves out, by resource; the first resource is left out, too."""
_SAY: dict[str, Source] = {"text": either("text", "content")}
_ASK = Meant("llm.chat", {"messages": chat}, _ANSWER)
_QUERY = Meant("sql.query", {"statement": "query"}, {"*": ""}, many="rows", key="")

ROWS: dict[tuple[str, str, str], Meant] = {
    ("gmail", "message", "send"): Meant("gmail.send", _WRITE_MAIL, _SENT),
    ("gmail", "message", "reply"): Meant(
        "gmail.reply", {"message": "messageId", "text": mail_text, "html": mail_html}, _SENT
    ),
    ("gmail", "message", "get"): Meant("gmail.get_message", {"message": "messageId"}, MAIL),
    ("gmail", "message", "getAll"): Meant(
        "gmail.search_messages", {"query": either("filters.q"), "limit": limit(500)}, MAIL, many="messages"
    ),
    ("gmail", "message", "addLabels"): Meant(
        "gmail.add_labels", {"message": "messageId", "labels": labels}, {"id": "id"}
    ),
    ("gmail", "message", "removeLabels"): Meant(
        "gmail.remove_labels", {"message": "messageId", "labels": labels}, {"id": "id"}
    ),
    ("gmail", "message", "markAsRead"): Meant("gmail.mark_read", {"message": "messageId"}, {"id": "id"}),
    ("gmail", "message", "markAsUnread"): Meant("gmail.mark_unread", {"message": "messageId"}, {"id": "id"}),
    ("gmail", "message", "delete"): Meant("gmail.trash", {"message": "messageId"}, {"id": "id"}),
    ("gmail", "draft", "create"): Meant("gmail.create_draft", _WRITE_MAIL, _SENT),
    ("emailSend", "", ""): Meant(
        "smtp.send",
        {"to": listed("toEmail"), "subject": "subject", "text": either("text", "message"), "html": "html"},
        {"messageId": "message_id"},
    ),
    ("microsoftOutlook", "message", "send"): Meant(
        "outlook.send", {"to": listed("toRecipients"), "subject": "subject", "text": "bodyContent"}, {"id": "id"}
    ),
    ("microsoftOutlook", "message", "reply"): Meant(
        "outlook.reply", {"message": "messageId", "text": either("message", "bodyContent")}, {"id": "id"}
    ),
    ("microsoftOutlook", "message", "getAll"): Meant(
        "outlook.search_messages", {"limit": limit(500)}, {**MAIL, "body.content": "text"}, many="messages"
    ),
    ("github", "issue", "create"): Meant(
        "github.create_issue",
        {
            "repository": repository,
            "title": "title",
            "body": "body",
            "labels": picked("labels", "label"),
            "assignees": picked("assignees", "assignee"),
        },
        ISSUE,
    ),
    ("github", "issue", "createComment"): Meant(
        "github.comment", {**_OF_ISSUE, "body": "body"}, {"id": "id", "html_url": "url"}
    ),
    ("github", "issue", "get"): Meant("github.get_issue", _OF_ISSUE, ISSUE),
    ("github", "repository", "getIssues"): Meant(
        "github.list_issues",
        {"repository": repository, "limit": limit(500), "state": "getRepositoryIssuesFilters.state"},
        ISSUE,
        many="issues",
    ),
    ("notion", "databasePage", "create"): Meant(
        "notion.create_item",
        {"database": "databaseId", "title": notion_title, "properties": notion_properties, "markdown": notion_blocks},
        PAGE,
    ),
    ("notion", "databasePage", "update"): Meant(
        "notion.update_item", {"page": "pageId", "properties": notion_properties}, PAGE
    ),
    ("notion", "databasePage", "getAll"): Meant(
        "notion.query", {"database": "databaseId", "limit": limit(500)}, PAGE, many="pages"
    ),
    ("notion", "page", "create"): Meant(
        "notion.create_page", {"parent": "pageId", "title": "title", "markdown": notion_blocks}, PAGE
    ),
    ("notion", "block", "append"): Meant(
        "notion.append_markdown", {"page": "blockId", "markdown": notion_blocks}, {"id": "id"}
    ),
    ("slack", "message", "post"): Meant(
        "slack.send_message", {"channel": either("channelId", "channel", "user"), **_SAY}, {"ts": "id"}
    ),
    ("telegram", "message", "sendMessage"): Meant(
        "telegram.send_message", {"chat": "chatId", **_SAY}, {"result.message_id": "id"}
    ),
    ("discord", "message", "send"): Meant("discord.send_message", {"channel": "channelId", **_SAY}, {"id": "id"}),
    ("googleSheets", "sheet", "append"): Meant("google_sheets.append_row", {**_SHEET, "values": row_values}),
    ("googleSheets", "sheet", "update"): Meant(
        "google_sheets.update_row", {**_SHEET, "key_column": key_column, "key": key_of_row, "values": row_values}
    ),
    ("googleSheets", "sheet", "read"): Meant(
        "google_sheets.read_rows", _SHEET, {"row_number": "row", "*": "values"}, many="rows", key="row"
    ),
    ("googleCalendar", "event", "create"): Meant(
        "google_calendar.create_event",
        {
            "calendar": "calendar",
            "title": "additionalFields.summary",
            "starts": "start",
            "ends": "end",
            "description": "additionalFields.description",
            "location": "additionalFields.location",
            "attendees": listed("additionalFields.attendees"),
        },
        {"id": "id", "htmlLink": "url"},
    ),
    ("googleCalendar", "event", "getAll"): Meant(
        "google_calendar.list_events",
        {"calendar": "calendar", "earliest": "timeMin", "latest": "timeMax", "limit": limit(500)},
        {"id": "id", "summary": "title", "start.dateTime": "starts", "end.dateTime": "ends", "htmlLink": "url"},
        many="events",
    ),
    ("httpRequest", "", ""): Meant(
        "http.request",
        {
            "method": method,
            "url": "url",
            "query": pairs("queryParameters.parameters"),
            "headers": headers,
            "json": json_body,
            "form": form_body,
            "text": raw_body,
        },
        {"*": "json"},
        since=3.0,
    ),
    ("rssFeedRead", "", ""): Meant(
        "rss.read",
        {"url": "url"},
        {
            "title": "title",
            "link": "url",
            "guid": "id",
            "pubDate": "published_at",
            "isoDate": "published_at",
            "creator": "author",
            "content": "summary",
            "contentSnippet": "summary",
        },
        many="entries",
    ),
    ("postgres", "", "executeQuery"): _QUERY,
    ("mySql", "", "executeQuery"): _QUERY,
    ("openAi", "text", "message"): _ASK,
    ("openAi", "text", "response"): _ASK,
    ("openAi", "chat", "complete"): Meant("llm.chat", {"messages": chat}, _ANSWER),
    ("anthropic", "text", "message"): _ASK,
    ("chainLlm", "", ""): _ASK,
    ("agent", "", ""): _ASK,
    ("chainSummarization", "", ""): Meant("llm.summarize", {"text": either("text")}, {"*": "text"}),
    ("executeWorkflow", "", ""): Meant("workflow.run", {"workflow": "workflowId"}),
}
