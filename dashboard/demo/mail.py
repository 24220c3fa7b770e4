"""The demo mailbox as people see it: folders, a list, and a reading pane in plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import getaddresses, parseaddr
from typing import Any

import streamlit as st

from dashboard.base.language import N_, t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import outside_badge, outside_text, plain
from dashboard.demo.controls import answer_control
from dashboard.parts.pick_table import pick_table
from dashboard.parts.times import ago, full_time
from dashboard.parts.unconfirmed import unconfirmed_mark

_FOLDERS = (N_("Inbox"), N_("All mail"), N_("Drafts"), N_("Sent"))
_SYSTEM = frozenset({"INBOX", "UNREAD", "SENT", "DRAFT", "IMPORTANT", "STARRED"})

Message = Mapping[str, Any]


def mail_tab(visit: Visit, shown: Mapping[str, Any]) -> None:
    """Show the mails of `shown`, the part of the demo called gmail."""
    folder = st.segmented_control(
        t("Folder"),
        _FOLDERS,
        default="Inbox",
        format_func=t,
        key="mail-folder",
        label_visibility="collapsed",
        required=True,
    )
    messages = in_folder(shown, folder or "Inbox")
    if not messages:
        st.caption(t("No mail here."))
        return
    names = {label["id"]: label["name"] for label in shown["labels"]}
    read = {str(one["id"]): visit.orchestra.demo.mail(visit.who, one) for one in messages}
    labels = {str(one["id"]): labels_of(one, names) for one in messages}
    columns = {
        t("Subject"): st.column_config.TextColumn(width=340),
        t("Labels"): st.column_config.ListColumn(),
    }
    rows = [_row(mail, labels[one]) for one, mail in read.items()]
    opened = pick_table("mail", list(read), rows, columns, alt=t("The mails of this folder."), place=folder or "Inbox")
    if opened:
        _reading_pane(read[opened], labels[opened])
        receivers = [one for one in getaddresses([str(read[opened]["to"])]) if one[1]]
        if folder == "Sent" and receivers and visit.may("run"):
            answer_control(visit, opened, receivers[0])
    else:
        st.caption(t("Click a mail to read it."))


def in_folder(shown: Mapping[str, Any], folder: str) -> Sequence[Message]:
    """Return the mails of a folder, newest first."""
    if folder == "Drafts":
        return [draft["message"] for draft in shown["drafts"]]
    if folder == "Sent":
        return list(shown["sent"])
    return [one for one in shown["messages"] if folder == "All mail" or "INBOX" in one.get("labelIds", [])]


def labels_of(message: Message, names: Mapping[str, str]) -> list[str]:
    """Return the names of the labels that a person or a workflow has added."""
    return [names.get(one, one) for one in message.get("labelIds", []) if not _is_system(one)]


def _is_system(label_id: str) -> bool:
    return label_id in _SYSTEM or label_id.startswith("CATEGORY_")


def _row(mail: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    name, address = parseaddr(str(mail["from"]))
    subject = str(mail["subject"]) or t("(no subject)")
    return {
        t("From"): name or address,
        t("Subject"): subject,
        t("Labels"): list(labels),
        t("Files"): str(len(mail["attachments"]) or ""),
        t("Arrived"): ago(mail["date"]),
    }


def _reading_pane(mail: Mapping[str, Any], labels: Sequence[str]) -> None:
    with st.container(border=True, key="reading-mail"):
        st.subheader(plain(str(mail["subject"])) or t("(no subject)"), anchor=False)
        st.caption(
            plain(t("From {sender} to {to} · {date}", sender=mail["from"], to=mail["to"], date=full_time(mail["date"])))
        )
        unconfirmed_mark(mail)
        if labels:
            with st.container(horizontal=True, gap="xsmall"):
                for label in labels:
                    outside_badge(label, ":material/label:")
        outside_text(str(mail["text"]))
        for one in mail["attachments"]:
            size = tn("{count} byte", "{count} bytes", one.get("bytes", 0))
            st.caption(f":material/attach_file: {plain(str(one.get('name') or t('attachment')))} ({size})")
