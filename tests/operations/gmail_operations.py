"""How each step type of Gmail is run in the fault matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.operations.world import Operation, World

HERE = "/gmail/v1/users/me"
LETTER = {"to": "ann@example.org", "subject": "Hello", "text": "How are you?"}
SMALL = {"query": "in:inbox", "limit": 3}


def _mail(world: World, query: str = "in:inbox") -> dict[str, Any]:
    """A mail of the sample that may be answered, or has what the search asks for."""
    found = world.made("gmail.search_messages", query=query, limit=25)["messages"]
    return next(mail for mail in found if mail["can_reply"] or query != "in:inbox")


def _of_mail(query: str = "in:inbox", **more: Any) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {"message": _mail(world, query)["id"], **more}


def _of_thread(**more: Any) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {"thread": _mail(world)["thread_id"], **more}


def _of_attachment(world: World) -> Mapping[str, Any]:
    mail = _mail(world, "has:attachment")
    return {"message": mail["id"], "attachment": mail["attachments"][0]["id"]}


def _of_draft(**more: Any) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {"draft": world.made("gmail.create_draft", **LETTER)["id"], **more}


def _of_label(**more: Any) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {"label": world.made("gmail.create_label", name="Work/New")["name"], **more}


def _after(step: str, **more: Any) -> Callable[[World], Mapping[str, Any]]:
    """A mail to which another step was done before."""

    def arguments(world: World) -> Mapping[str, Any]:
        mail = _mail(world)["id"]
        world.made(step, message=mail, **more)
        return {"message": mail, **more}

    return arguments


# A draft that is gone is deleted already, and an empty answer is what a deletion gets: neither is a failure.
GONE_IS_DONE = {"404": None, "empty": None}

OPERATIONS = {
    "gmail.search_messages": Operation(lambda _: SMALL, match=f"GET {HERE}/messages?"),
    "gmail.get_message": Operation(_of_mail(), match=f"GET {HERE}/messages/"),
    "gmail.get_thread": Operation(_of_thread(), match=f"GET {HERE}/threads/"),
    "gmail.wait_for_reply": Operation(_of_mail(days=1), match=f"GET {HERE}/threads/", differs={"404": None}),
    "gmail.search_threads": Operation(lambda _: SMALL),
    "gmail.get_attachment": Operation(_of_attachment),
    "gmail.list_labels": Operation(lambda _: {}),
    "gmail.list_drafts": Operation(lambda _: {}),
    "gmail.get_draft": Operation(_of_draft(), match=f"GET {HERE}/drafts/"),
    "gmail.send": Operation(lambda _: LETTER),
    "gmail.reply": Operation(_of_mail(text="Thanks", all=True)),
    "gmail.forward": Operation(_of_mail("has:attachment", to="ann@example.org", text="For you")),
    "gmail.create_draft": Operation(lambda _: LETTER),
    "gmail.update_draft": Operation(_of_draft(**{**LETTER, "subject": "Other"}), match=f"PUT {HERE}/drafts/"),
    "gmail.send_draft": Operation(_of_draft(), match=f"POST {HERE}/drafts/send"),
    "gmail.delete_draft": Operation(_of_draft(), match=f"DELETE {HERE}/drafts/", differs=GONE_IS_DONE),
    "gmail.add_labels": Operation(_of_mail(labels=["triaged", "STARRED"]), match="/modify"),
    "gmail.remove_labels": Operation(_after("gmail.add_labels", labels=["triaged"]), match="/modify"),
    "gmail.create_label": Operation(lambda _: {"name": "Work/New"}, match=f"POST {HERE}/labels"),
    "gmail.update_label": Operation(_of_label(name="Work/Other"), match=f"PATCH {HERE}/labels/"),
    "gmail.delete_label": Operation(_of_label(), match=f"DELETE {HERE}/labels/", differs=GONE_IS_DONE),
    "gmail.mark_read": Operation(_after("gmail.mark_unread"), match="/modify"),
    "gmail.mark_unread": Operation(_after("gmail.mark_read"), match="/modify"),
    "gmail.archive": Operation(_of_thread(), match="/modify"),
    "gmail.trash": Operation(_of_thread(), match="/trash"),
    "gmail.untrash": Operation(_after("gmail.trash"), match="/untrash"),
}
