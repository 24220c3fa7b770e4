"""How each step type of Outlook is run in the fault matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clients.errors import NotFound
from clients.outlook.box import IMMUTABLE
from tests.operations.world import Operation, World

HERE = "/v1.0/me/messages"
LETTER = {"to": "ann@example.org", "subject": "Hello", "text": "How are you?"}
SMALL = {"folder": "inbox", "limit": 3}
ONE = f"GET {HERE}/"
CHANGE = f"PATCH {HERE}/"


def _mail(world: World, query: str = "") -> dict[str, Any]:
    """A mail of the sample that may be answered, or has what the search asks for."""
    found = world.made("outlook.search_messages", query=query, limit=25)["messages"]
    return next(mail for mail in found if mail["can_reply"] or query)


def _of_mail(query: str = "", **more: Any) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {"message": _mail(world, query)["id"], **more}


def _of_thread(**more: Any) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {"thread": _mail(world)["thread_id"], **more}


def _of_attachment(world: World) -> Mapping[str, Any]:
    mail = _mail(world, "hasattachments:true")
    return {"message": mail["id"], "attachment": mail["attachments"][0]["id"]}


def draft_of_a_person(world: World) -> str:
    """Let a person write a draft; return its id."""
    message = {"subject": "Hello", "toRecipients": [{"emailAddress": {"address": "ann@example.org"}}]}
    headers = {"Authorization": f"Bearer {world.endpoint.token}", "Prefer": IMMUTABLE}
    made = world.http.post(f"{world.endpoint.base_url}{HERE}", json=message, headers=headers)
    return str(made.json()["id"])


def _of_draft(**more: Any) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {"draft": draft_of_a_person(world), **more}


def _after(step: str, **more: Any) -> Callable[[World], Mapping[str, Any]]:
    """A mail to which another step was done before."""

    def arguments(world: World) -> Mapping[str, Any]:
        mail = _mail(world)["id"]
        world.made(step, message=mail, **more)
        return {"message": mail, **more}

    return arguments


# A draft that is gone is deleted already, and an empty answer is what a deletion gets: neither is a failure.
GONE_IS_DONE = {"404": None, "empty": None}
# What is sent is answered without content, and what a move says is not read.
TAKEN: Mapping[str, Any] = {"empty": None}

OPERATIONS = {
    "outlook.search_messages": Operation(lambda _: SMALL, match="GET /v1.0/me/mailFolders/"),
    "outlook.get_message": Operation(_of_mail(), match=ONE),
    "outlook.get_thread": Operation(_of_thread(), match=f"GET {HERE}?"),
    "outlook.wait_for_reply": Operation(_of_mail(days=1), match=f"GET {HERE}?", differs={"404": None}),
    "outlook.get_attachment": Operation(_of_attachment, differs={"not JSON": NotFound}),
    "outlook.list_folders": Operation(lambda _: {}, match="GET /v1.0/me/mailFolders"),
    "outlook.list_drafts": Operation(lambda _: {}),
    "outlook.get_draft": Operation(_of_draft(), match=ONE),
    "outlook.send": Operation(lambda _: LETTER, match="/send", differs=TAKEN),
    "outlook.reply": Operation(_of_mail(text="Thanks", all=True), match="/send", differs=TAKEN),
    "outlook.forward": Operation(
        _of_mail("hasattachments:true", to="ann@example.org", text="For you"), match="/send", differs=TAKEN
    ),
    "outlook.create_draft": Operation(lambda _: LETTER, match=CHANGE),
    "outlook.update_draft": Operation(_of_draft(**{**LETTER, "subject": "Other"}), match=CHANGE),
    "outlook.send_draft": Operation(_of_draft(), match="/send", differs=TAKEN),
    "outlook.delete_draft": Operation(_of_draft(), match=f"DELETE {HERE}/", differs=GONE_IS_DONE),
    "outlook.add_labels": Operation(_of_mail(labels=["triaged", "FLAGGED"]), match=CHANGE),
    "outlook.remove_labels": Operation(_after("outlook.add_labels", labels=["triaged"]), match=CHANGE),
    "outlook.add_flag": Operation(_of_mail(), match=CHANGE),
    "outlook.remove_flag": Operation(_after("outlook.add_flag"), match=CHANGE),
    "outlook.mark_read": Operation(_after("outlook.mark_unread"), match=CHANGE),
    "outlook.mark_unread": Operation(_after("outlook.mark_read"), match=CHANGE),
    "outlook.move": Operation(_of_mail(folder="Inbox/Projects"), match="/move", differs=TAKEN),
    "outlook.archive": Operation(_of_thread(), match="/move", differs=TAKEN),
    "outlook.trash": Operation(_of_thread(), match="/move", differs=TAKEN),
    "outlook.untrash": Operation(_after("outlook.trash"), match="/move", differs=TAKEN),
}
