"""Web pages of the demo mailbox: a list of mails and one mail, as plain text."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parseaddr

from demo.call import StandInCall
from demo.gmail.mailbox import Record, StandInMailbox
from demo.gmail.mime import filename_of
from demo.gmail.views import matches, searched
from demo.page import escaped, frame, link, table

PLACES = (("Inbox", "in:inbox"), ("Drafts", "in:drafts"), ("Sent", "in:sent"), ("All mail", "in:all"))
HIDDEN_LABELS = {"INBOX", "UNREAD"}


def mails(call: StandInCall) -> str:
    """Show `/mail?q=`: search results, or the inbox."""
    box = StandInMailbox(call.store)
    query = call.query("q") or "in:inbox"
    search = searched(box, query)
    records = [each for each in box.newest_first() if matches(search, each, reaches_hidden=search.reaches_hidden)]
    names = box.labels.names()
    links = " · ".join(link(f"/mail?q={query_of}", name) for name, query_of in PLACES)
    rows = [_row(each, names) for each in records]
    body = table(("From", "Subject", "Labels", "Arrived"), rows) if rows else "<p>No mail here.</p>"
    count = f"{len(records)} mail{'' if len(records) == 1 else 's'}"
    head = f"<h1>{escaped(box.account)}</h1><p>{links}</p>"
    return frame("Mail", f'{head}<p class="faint">{escaped(query)}: {count}</p>{body}', "Gmail")


def mail(call: StandInCall) -> str:
    """Show `/mail/<id>`: one mail, its text only; raises Refused 404."""
    box = StandInMailbox(call.store)
    record = box.get(call.part("id"))
    parsed = box.mail(record["id"])
    names = [("From", "From"), ("To", "To"), ("Cc", "Cc"), ("Date", "Date")]
    lines = "".join(f"<div>{name}: {escaped(value)}</div>" for name, key in names if (value := parsed.header(key)))
    tags = "".join(f' <span class="tag">{escaped(each)}</span>' for each in _labels(record, box.labels.names()))
    files = [escaped(name) for part in parsed.message.walk() if (name := filename_of(part))]
    attachments = f'<p class="faint">Attached: {", ".join(files)}</p>' if files else ""
    subject = parsed.header("Subject") or "(no subject)"
    text = f'<pre dir="auto" style="white-space:pre-wrap">{escaped(parsed.text)}</pre>'
    body = (
        f'<p>{link("/mail", "Inbox")}</p><h1 dir="auto">{escaped(subject)}</h1><p>{tags}</p>'
        f'<div class="faint">{lines}</div>{text}{attachments}'
    )
    return frame(subject, body, "Gmail")


def _row(record: Record, names: dict[str, str]) -> list[str]:
    fields = record["fields"]
    name, address = parseaddr(fields["from"])
    title = link(f"/mail/{record['id']}", fields["subject"] or "(no subject)")
    if "UNREAD" in record["labelIds"]:
        title = f"<b>{title}</b>"
    tags = " ".join(f'<span class="tag">{escaped(each)}</span>' for each in _labels(record, names))
    arrived = datetime.fromtimestamp(int(record["internalDate"]) / 1000, UTC)
    when = f'<span style="white-space:nowrap">{arrived:%d %b %H:%M}</span>'
    return [escaped(name or address), f'<span dir="auto">{title}</span>', tags, when]


def _labels(record: Record, names: dict[str, str]) -> list[str]:
    shown = [names.get(each, each) for each in record["labelIds"] if each not in HIDDEN_LABELS]
    return [each.removeprefix("CATEGORY_").capitalize() if each.isupper() else each for each in shown]
