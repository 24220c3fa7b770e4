"""The stand-in for the Gmail API: mails, threads, labels, drafts, history, and Google's sign-in."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import api_routes, page_routes
from demo.gmail import account as gmail_account
from demo.gmail import drafts as gmail_drafts
from demo.gmail import grants as gmail_grants
from demo.gmail import messages as gmail_messages
from demo.gmail import mime as gmail_mime
from demo.gmail import oauth as gmail_oauth
from demo.gmail import pages as gmail_pages
from demo.gmail import pubsub as gmail_pubsub
from demo.gmail import sample as gmail_sample
from demo.gmail import threads as gmail_threads
from demo.gmail import unrest as gmail_unrest
from demo.gmail import upload as gmail_upload
from demo.gmail.drafts import all_drafts
from demo.gmail.mailbox import Record, StandInMailbox
from demo.gmail.views import brief
from demo.service import json_object
from demo.store import Store

TOKEN = "demo-gmail-token"  # noqa: S105 - the stand-in's, no secret
PREFIX = "/gmail/v1/users/{user}"
TABLE = (*gmail_account.TABLE, *gmail_messages.TABLE, *gmail_threads.TABLE, *gmail_drafts.TABLE)
# Status -> Google's canonical status and the reason in the old error format.
STATUSES = {
    400: ("INVALID_ARGUMENT", "invalidArgument"),
    401: ("UNAUTHENTICATED", "authError"),
    403: ("PERMISSION_DENIED", "forbidden"),
    404: ("NOT_FOUND", "notFound"),
    409: ("ABORTED", "aborted"),
    429: ("RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    500: ("INTERNAL", "backendError"),
    503: ("UNAVAILABLE", "backendError"),
    504: ("DEADLINE_EXCEEDED", "backendError"),
}


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return Gmail's error body, https://developers.google.com/workspace/gmail/api/guides/handle-errors."""
    canonical, reason = STATUSES.get(status, ("UNKNOWN", "backendError" if status >= 500 else "badRequest"))
    reason = "insufficientPermissions" if "authentication scopes" in message else reason
    error: dict[str, Any] = {"message": message, "domain": "global", "reason": reason}
    if status == 401:
        error |= {"location": "Authorization", "locationType": "header"}
    return {"error": {"code": status, "message": message, "errors": [error], "status": canonical}}


def refusal(store: Store, token: str, method: str) -> tuple[int, str] | None:
    """Return why a token from the sign-in is insufficient, or None if it is sufficient."""
    return gmail_grants.refusal(store, token, method)


def routes(store: Store) -> list[Route]:
    """Return the API below /gmail/v1, Pub/Sub, the sign-in, the delivery of mails, and the web pages."""

    async def new_mail(request: Request) -> Response:
        box = StandInMailbox(store)
        is_json = "json" in request.headers.get("content-type", "")
        given = await json_object(request) if is_json else {}
        body = await request.body()
        with store.transaction():
            if given.get("next") is True:
                raw = gmail_sample.next_mail(box)
            elif "answers" in given:
                raw = gmail_sample.answer(box, str(given["answers"]), str(given.get("text") or ""))
            else:
                raw = gmail_sample.written(box, given) if is_json else body
            record = gmail_sample.arrive(box, raw)
        return JSONResponse(brief(record), 201)

    return [
        *api_routes(store, [(method, PREFIX + path, handler) for method, path, handler in TABLE], dict),
        *gmail_upload.routes(store, PREFIX),
        *gmail_oauth.routes(store),
        *gmail_unrest.routes(store),
        *gmail_pubsub.routes(store),
        Route("/_demo/mail", new_mail, methods=["POST"]),
        *page_routes(store, [("/mail", gmail_pages.mails), ("/mail/{id}", gmail_pages.mail)]),
    ]


def seed(store: Store) -> None:
    """Create the sample mailbox."""
    gmail_sample.seed(store)


def show(store: Store) -> dict[str, Any]:
    """Return the mailbox: received `messages`, `drafts`, `sent`, and `labels`, in the API's form."""
    box = StandInMailbox(store)
    records = box.newest_first()
    by_id = {each["id"]: each for each in records}
    return {
        "messages": [_full(box, each) for each in records if not {"SENT", "DRAFT"} & set(each["labelIds"])],
        "drafts": [
            {"id": each["id"], "message": _full(box, by_id[each["message_id"]])}
            for each in all_drafts(store)
            if each["message_id"] in by_id
        ],
        "sent": [_full(box, each) for each in records if "SENT" in each["labelIds"]],
        "labels": box.labels.all(),
    }


def _full(box: StandInMailbox, record: Record) -> dict[str, Any]:
    """Return a mail in the form of `messages.get` with format=full."""
    dated = {name: record[name] for name in ("snippet", "sizeEstimate", "historyId", "internalDate")}
    return {**brief(record), **dated, "payload": gmail_mime.payload(box.mail(record["id"]), record["id"])}
