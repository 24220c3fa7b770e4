"""Notifications of the account: mentions and review requests by others."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import login, not_found, page, since
from demo.github.objects import Record, repository
from demo.service import Refused
from demo.store import Store

POLL_SECONDS = 60


def _threads(store: Store) -> list[Record]:
    """Return the notification threads, newest first: {id, issue, reason, updated_at, comment}."""
    own = login(store)
    # @ada must not match in ada@ada.example or for @ada-lind.
    names = re.compile(rf"(?<![\w-])@{re.escape(own)}(?![\w-])", re.IGNORECASE)
    comments = [each for each in store.all("github/comments") if each["user"] != own]
    asked = [each for each in store.all("github/events") if each["reviewer"] == own]
    found = [thread for each in store.all("github/issues") for thread in _of_issue(each, own, comments, asked, names)]
    return sorted(found, key=lambda each: (each["updated_at"], each["id"]), reverse=True)


def _of_issue(
    issue: Record, own: str, comments: list[Record], asked: list[Record], names: re.Pattern[str]
) -> list[Record]:
    """Return the thread of an issue or pull request, with its newest reason, or [] without a reason."""
    place = (issue["repository"], issue["number"])
    said = [each for each in comments if (each["repository"], each["issue"]) == place]
    reasons = [("mention", each["updated_at"], each["id"]) for each in said if names.search(each["body"] or "")]
    if issue["user"] != own and names.search(issue["body"] or ""):
        reasons.append(("mention", issue["created_at"], None))
    wanted = [each for each in asked if (each["repository"], each["issue"]) == place]
    reasons += [("review_requested", each["created_at"], None) for each in wanted]
    if not reasons:
        return []
    reason, at, comment = max(reasons, key=lambda each: each[1])
    return [{"id": str(issue["id"]), "issue": issue, "reason": reason, "updated_at": at, "comment": comment}]


def _thread(call: StandInCall, each: Record) -> Record:
    issue, store = each["issue"], call.store
    name, is_pull = issue["repository"], "pull" in issue
    base = f"{call.base}/repos/{name}"
    url = f"{base}/{'pulls' if is_pull else 'issues'}/{issue['number']}"
    latest = f"{base}/issues/comments/{each['comment']}" if each["comment"] else url
    thread = f"{call.base}/notifications/threads/{each['id']}"
    told = repository(call.base, {**(store.get("github/repositories", name) or {}), "pushed_at": each["updated_at"]}, 0)
    return {
        "id": each["id"],
        "repository": told,
        "subject": {
            "title": issue["title"],
            "url": url,
            "latest_comment_url": latest,
            "type": "PullRequest" if is_pull else "Issue",
        },
        "reason": each["reason"],
        "unread": _is_unread(store, each),
        "updated_at": each["updated_at"],
        "last_read_at": (store.get("github/read", each["id"]) or {}).get("at"),
        "url": thread,
        "subscription_url": f"{thread}/subscription",
    }


def _is_unread(store: Store, each: Record) -> bool:
    read = store.get("github/read", each["id"])
    return read is None or read["at"] < each["updated_at"]


def list_notifications(call: StandInCall) -> StandInReply:
    """GET with all, since, before, paging and If-Modified-Since; X-Poll-Interval is the minimum poll interval."""
    first, last = since(call), since(call, "before") or "9999"
    wants_all = call.query("all") == "true"
    kept = [
        each
        for each in _threads(call.store)
        if first <= each["updated_at"] < last and (wants_all or _is_unread(call.store, each))
    ]
    headers = {"x-poll-interval": str(POLL_SECONDS)}
    if kept:
        newest = datetime.fromisoformat(kept[0]["updated_at"])
        headers["last-modified"] = format_datetime(newest.astimezone(UTC), usegmt=True)
    if _is_known(call, headers.get("last-modified")):
        return StandInReply(None, 304, headers)
    reply = page(call, kept, lambda each: _thread(call, each))
    return StandInReply(reply.document, reply.status, {**(reply.headers or {}), **headers})


def _is_known(call: StandInCall, newest: str | None) -> bool:
    """Return whether nothing has changed since the client's If-Modified-Since."""
    known = call.request.headers.get("if-modified-since", "")
    if not known or newest is None:
        return bool(known)
    try:
        return parsedate_to_datetime(known) >= parsedate_to_datetime(newest)
    except ValueError as error:
        raise Refused(400, "If-Modified-Since is not a date") from error


def _one(call: StandInCall) -> Record:
    found = next((each for each in _threads(call.store) if each["id"] == call.part("id")), None)
    if found is None:
        raise not_found()
    return found


def get_thread(call: StandInCall) -> StandInReply:
    """GET one thread."""
    return StandInReply(_thread(call, _one(call)))


def mark_read(call: StandInCall) -> StandInReply:
    """PATCH: mark the thread as read."""
    found = _one(call)
    call.store.put("github/read", found["id"], {"at": found["updated_at"]})
    # 205 Reset Content, as documented (https://docs.github.com/rest/activity/notifications).
    return StandInReply(None, 205)


TABLE: Table = (
    ("GET", "/notifications", list_notifications),
    ("GET", "/notifications/threads/{id}", get_thread),
    ("PATCH", "/notifications/threads/{id}", mark_read),
)
