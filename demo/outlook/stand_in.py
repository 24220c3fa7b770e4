"""Mail in Microsoft Graph, as far as steps use it (https://learn.microsoft.com/graph/api/resources/mail-api-overview)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, page_routes
from demo.gmail import sample
from demo.microsoft import graph_error, graph_refused, microsoft_grants, sign_in_routes, token_refusal
from demo.outlook import changes, drafts, mailbox, query, views
from demo.outlook.mailbox import SHARED, DemoOutlook, Record
from demo.page import escaped, frame, link, table
from demo.service import PublicRoute, base_url, json_object, origin
from demo.store import Store

TOKEN = "EwB.demo-outlook-token"  # noqa: S105 - the same for everybody, good for loopback only
GRANTS = microsoft_grants("outlook")
_CODES = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "ErrorAccessDenied",
    404: "ErrorItemNotFound",
    409: "ErrorIrresolvableConflict",
    429: "ApplicationThrottled",
    503: "ErrorServerBusy",
}
_PAGE = 10
_PAGES_MOST = 1000
_UPLOADS = "outlook/uploads"
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_SIZE = re.compile(r"odata\.maxpagesize=(\d+)")
_SMALL_MOST = 3 * 1024 * 1024
"""Bytes of a file that is not uploaded in parts."""
Handler = Callable[["OutlookRequest"], Response]


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return an error as Graph writes it."""
    return graph_error(_CODES, status, message)


def refusal(store: Store, token: str, method: str) -> tuple[int, str] | None:
    """Return why a token is refused, or None if the sign-in has issued it for such a request."""
    needed = {"Mail.ReadWrite", "Mail.ReadWrite.Shared", "Mail.Send"}
    return token_refusal(GRANTS, store, token, needed if method != "GET" else {*needed, "Mail.Read", "User.Read"})


class OutlookRequest:
    """A request for one mailbox."""

    def __init__(self, request: Request, store: Store, body: bytes) -> None:
        self.request, self.body = request, body
        user = str(request.path_params.get("user", "me"))
        own = DemoOutlook(store)
        if user.lower() not in {"me", own.account, SHARED}:
            raise graph_refused(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")
        if user.lower() == SHARED:
            _require_shared(request, store)
        self.box = DemoOutlook(store, SHARED) if user.lower() == SHARED else own

    @property
    def options(self) -> dict[str, str]:
        """The options of the query."""
        return dict(self.request.query_params)

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    @property
    def json(self) -> dict[str, Any]:
        """The body; raises Refused 400."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError as error:
            raise graph_refused(400, "BadRequest", "Unable to read JSON request payload.") from error
        if not isinstance(found, dict):
            raise graph_refused(400, "BadRequest", "Unable to read JSON request payload.")
        return found

    def parameter(self, name: str) -> Any:
        """Return a parameter of an action; its case does not matter: SDKs write `DestinationId`."""
        return next((value for key, value in self.json.items() if key.lower() == name.lower()), None)

    @property
    def prefers(self) -> str:
        """The preferences of the client."""
        return self.request.headers.get("prefer", "")

    @property
    def record(self) -> Record:
        """The message of the path; raises Refused 404."""
        return self.box.get(self.part("id"))

    def shown(self, record: Record, select: str = "") -> dict[str, Any]:
        """Return a message in the form that was asked for."""
        base = base_url(self.request)
        found = views.message(self.box, record, base, is_immutable='idtype="immutableid"' in self.prefers.lower())
        return query.selected(found, select or self.options.get("$select", ""))


def _require_shared(request: Request, store: Store) -> None:
    """Refuse a token that is not for the mailboxes of others."""
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    if token != TOKEN and "Mail.ReadWrite.Shared" not in (GRANTS.scopes_of(store, token) or ()):
        raise graph_refused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def seed(store: Store) -> None:
    """Create the sample mailboxes."""
    mailbox.seed(store)


def show(store: Store) -> dict[str, Any]:
    """Return received `messages`, `drafts`, `sent` and `folders`, in the API's form."""
    box = DemoOutlook(store)
    every = [(each, views.message(box, each, origin(store, "outlook"), is_immutable=True)) for each in box.all()]
    extended = [{**found, "singleValueExtendedProperties": each["properties"]} for each, found in every]
    is_sent = {each["id"] for each, _ in every if box.role(each) == "sentitems"}
    return {
        "messages": [one for one in extended if not one["isDraft"] and one["id"] not in is_sent],
        "drafts": [one for one in extended if one["isDraft"]],
        "sent": [one for one in extended if one["id"] in is_sent],
        "folders": [views.folder(box, one) for one in box.folders()],
    }


def routes(store: Store) -> list[Route]:
    """Return the API, the sign-in, the delivery of mails, the addresses of uploads, and the web pages."""

    def endpoint(handlers: dict[str, Handler]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            handler = handlers["GET" if request.method == "HEAD" else request.method]
            with store.transaction():
                return handler(OutlookRequest(request, store, body))

        return answer

    async def new_mail(request: Request) -> Response:
        box = DemoOutlook(store)
        is_json = "json" in request.headers.get("content-type", "")
        given = await json_object(request) if is_json else {}
        body = await request.body()
        with store.transaction():
            if not is_json:
                at = request.query_params.get("at")  # when it arrived (RFC 3339)
                return JSONResponse({"id": box.deliver(body, datetime.fromisoformat(at) if at else None)["id"]}, 201)
            raw = sample.next_mail(box) if given.get("next") is True else sample.written(box, given)
            return JSONResponse({"id": box.deliver_new(raw)["id"]}, 201)

    async def delta(request: Request) -> Response:
        given = await json_object(request)
        with store.transaction():
            if given.pop("forget", False):
                changes.forget(DemoOutlook(store))
            drafts.switch(DemoOutlook(store), given)
        return JSONResponse({"ok": True})

    async def upload(request: Request) -> Response:
        # Microsoft refuses a token here, and a client that sends one reveals it to another host.
        if "authorization" in request.headers:
            raise graph_refused(401, "InvalidAudience", "The address of the upload is its own key")
        body = await request.body()
        with store.transaction():
            return _uploaded(store, request, body)

    return [
        *sign_in_routes(GRANTS, store),
        *(
            Route(f"/v1.0/{whose}{path}", endpoint(handlers), methods=list(handlers))
            for whose in ("me", "users/{user}")
            for path, handlers in _TABLE.items()
        ),
        PublicRoute("/_upload/{id}", upload, methods=["GET", "PUT", "DELETE"]),
        Route("/_demo/mail", new_mail, methods=["POST"]),
        Route("/_demo/delta", delta, methods=["POST"]),
        *page_routes(store, [("/", _mails), ("/mail/{id}", _mail)]),
    ]


def _me(asked: OutlookRequest) -> Response:
    address = asked.box.account
    me: dict[str, Any] = {"id": "demo", "displayName": "You", "mail": address, "userPrincipalName": address}
    if "proxyAddresses" in asked.options.get("$select", ""):
        me |= {"proxyAddresses": [f"SMTP:{address}", f"smtp:{asked.box.alias}"]}
    return JSONResponse(me)


def _listed(asked: OutlookRequest) -> Response:
    """GET messages, of a folder or of all."""
    named = asked.request.path_params.get("folder")
    here = asked.box.folder(str(named))["id"] if named else ""
    records = [one for one in asked.box.all() if here in {"", one["folder"]}]
    return _page(asked, [asked.shown(one) for one in query.found(records, asked.options)])


def _page(asked: OutlookRequest, found: list[dict[str, Any]]) -> Response:
    options = asked.options
    try:
        size, at = int(options.get("$top", _PAGE)), int(options.get("$skip", 0))
    except ValueError as error:
        raise graph_refused(400, "BadRequest", "Invalid value for $top or $skip.") from error
    if not 1 <= size <= _PAGES_MOST:
        raise graph_refused(400, "ErrorInvalidParameter", f"$top is from 1 to {_PAGES_MOST}.")
    answer: dict[str, Any] = {"value": found[at : at + size]}
    if at + size < len(found):
        following = urlencode({**options, "$skip": at + size})
        answer["@odata.nextLink"] = f"{base_url(asked.request)}{asked.request.url.path}?{following}"
    return JSONResponse(answer)


def _delta(asked: OutlookRequest) -> Response:
    """GET mailFolders/{id}/messages/delta."""
    folder = asked.box.folder(asked.part("folder"))["id"]
    options = {**asked.options, "folder": asked.part("folder")}
    size = _SIZE.search(asked.prefers)
    found, kind, token = changes.page(asked.box, folder, options, int(size[1]) if size else _PAGE)
    select = changes.select_of(options)
    shown = [one if "@removed" in one else asked.shown(one, select or "id") for one in found]
    name = "@odata.nextLink" if kind == "$skiptoken" else "@odata.deltaLink"
    address = f"{base_url(asked.request)}{asked.request.url.path}?{urlencode({kind: token})}"
    return JSONResponse({"value": shown, name: address})


def _create(asked: OutlookRequest) -> Response:
    """POST messages: a draft, in JSON or MIME."""
    is_mime = asked.request.headers.get("content-type", "").startswith("text/plain")
    made = drafts.from_mime(asked.box, asked.body) if is_mime else drafts.from_json(asked.box, asked.json)
    return JSONResponse(asked.shown(made), 201)


def _get(asked: OutlookRequest) -> Response:
    """GET messages/{id}, with extended properties on request."""
    record, expand = asked.record, asked.options.get("$expand", "")
    found = asked.shown(record)
    known = [one for one in record["properties"].items() if f"'{one[0]}'" in expand]
    if known:
        found["singleValueExtendedProperties"] = [{"id": name, "value": value} for name, value in known]
    return JSONResponse(found)


def _patch(asked: OutlookRequest) -> Response:
    return JSONResponse(asked.shown(drafts.patched(asked.box, asked.record, asked.json)))


def _delete(asked: OutlookRequest) -> Response:
    asked.box.delete(asked.record)
    return Response(status_code=204)


def _delete_for_ever(asked: OutlookRequest) -> Response:
    asked.box.delete(asked.record, is_final=True)
    return Response(status_code=204)


def _value(asked: OutlookRequest) -> Response:
    """GET messages/{id}/$value: the MIME."""
    return Response(asked.box.mail(asked.record).raw, media_type="text/plain")


def _move(asked: OutlookRequest) -> Response:
    moved = asked.box.move(asked.record, str(asked.parameter("destinationId") or ""))
    return JSONResponse(asked.shown(moved), 201)


def _send(asked: OutlookRequest) -> Response:
    drafts.send(asked.box, asked.record)
    return Response(status_code=202)


def _attachments(asked: OutlookRequest) -> Response:
    found = [views.attachment(part) for part in views.attachment_parts(asked.box.mail(asked.record))]
    return _page(asked, [query.selected(one, asked.options.get("$select", "")) for one in found])


def _attach(asked: OutlookRequest) -> Response:
    given = asked.json
    data = base64.b64decode(str(given.get("contentBytes") or ""))
    if given.get("@odata.type") != "#microsoft.graph.fileAttachment" or len(data) > _SMALL_MOST:
        raise graph_refused(413, "ErrorMessageSizeExceeded", "The file is too large, or of another kind.")
    name, kind = str(given.get("name") or ""), str(given.get("contentType") or "")
    content_id = str(given.get("contentId") or "") if given.get("isInline") else ""
    record = drafts.attach(asked.box, asked.record, name, kind, data, content_id)
    return JSONResponse(views.attachment(views.attachment_parts(asked.box.mail(record))[-1]), 201)


def _detach(asked: OutlookRequest) -> Response:
    if not drafts.detach(asked.box, asked.record, asked.part("attachment")):
        raise mailbox.not_found()
    return Response(status_code=204)


def _session(asked: OutlookRequest) -> Response:
    """POST messages/{id}/attachments/createUploadSession."""
    item, record = asked.parameter("attachmentItem") or {}, asked.record
    if item.get("attachmentType") != "file" or int(item.get("size") or 0) < _SMALL_MOST:
        raise graph_refused(400, "ErrorInvalidRequest", "An upload session is for a file of 3 MB or more.")
    key = f"session-{asked.box.store.next_number(_UPLOADS)}"
    kept = {"message": record["id"], "shared": asked.box.shared, "item": item, "data": ""}
    asked.box.store.put(_UPLOADS, key, kept)
    address = f"{base_url(asked.request)}/_upload/{key}"
    expires = datetime(2099, 1, 1, tzinfo=UTC).isoformat()
    return JSONResponse({"uploadUrl": address, "expirationDateTime": expires, "nextExpectedRanges": ["0-"]}, 201)


def _uploaded(store: Store, request: Request, body: bytes) -> Response:
    """Take a part of a file, or say how much there is; the last part makes the attachment."""
    key = str(request.path_params["id"])
    kept = store.get(_UPLOADS, key)
    if kept is None:
        raise mailbox.not_found()
    had = base64.b64decode(kept["data"])
    if request.method == "DELETE":
        store.delete(_UPLOADS, key)
        return Response(status_code=204)
    if request.method == "GET":
        return JSONResponse({"nextExpectedRanges": [f"{len(had)}-"]})
    asked = _RANGE.fullmatch(request.headers.get("content-range", ""))
    if asked is None or int(asked[2]) - int(asked[1]) + 1 != len(body) or int(asked[1]) != len(had):
        raise graph_refused(400, "ErrorInvalidRange", "Content-Range does not match the content")
    whole = had + body
    if len(whole) < int(asked[3]):
        store.put(_UPLOADS, key, {**kept, "data": base64.b64encode(whole).decode()})
        return JSONResponse({"nextExpectedRanges": [f"{len(whole)}-"]})
    store.delete(_UPLOADS, key)
    box, item = DemoOutlook(store, kept["shared"]), kept["item"]
    drafts.attach(box, box.get(kept["message"]), str(item["name"]), str(item.get("contentType") or ""), whole)
    return Response(status_code=201)


def _folders(asked: OutlookRequest) -> Response:
    named = asked.request.path_params.get("folder")
    parent = asked.box.folder(str(named))["id"] if named else ""
    found = [views.folder(asked.box, one) for one in asked.box.folders() if one["parent"] == parent]
    return _page(asked, [query.selected(one, asked.options.get("$select", "")) for one in found])


def _folder(asked: OutlookRequest) -> Response:
    found = views.folder(asked.box, asked.box.folder(asked.part("folder")))
    return JSONResponse(query.selected(found, asked.options.get("$select", "")))


_MESSAGE = "/messages/{id}"
_FOLDER = "/mailFolders/{folder}"
_TABLE: dict[str, dict[str, Handler]] = {
    "": {"GET": _me},
    "/messages": {"GET": _listed, "POST": _create},
    f"{_MESSAGE}": {"GET": _get, "PATCH": _patch, "DELETE": _delete},
    f"{_MESSAGE}/$value": {"GET": _value},
    f"{_MESSAGE}/move": {"POST": _move},
    f"{_MESSAGE}/send": {"POST": _send},
    f"{_MESSAGE}/permanentDelete": {"POST": _delete_for_ever},
    f"{_MESSAGE}/attachments": {"GET": _attachments, "POST": _attach},
    f"{_MESSAGE}/attachments/createUploadSession": {"POST": _session},
    f"{_MESSAGE}/attachments/{{attachment}}": {"DELETE": _detach},
    "/mailFolders": {"GET": _folders},
    f"{_FOLDER}": {"GET": _folder},
    f"{_FOLDER}/childFolders": {"GET": _folders},
    f"{_FOLDER}/messages": {"GET": _listed},
    f"{_FOLDER}/messages/delta": {"GET": _delta},
    f"{_FOLDER}/messages/delta()": {"GET": _delta},
}


def _mails(call: StandInCall) -> str:
    """Show all mails, by folder."""
    box = DemoOutlook(call.store)
    names = {one["id"]: one["name"] for one in box.folders()}
    rows = []
    for one in box.all():
        title = link(f"/mail/{one['id']}", one["fields"]["subject"] or "(no subject)")
        tags = " ".join(f'<span class="tag">{escaped(each)}</span>' for each in one["categories"])
        rows.append([escaped(one["fields"]["from"]), f'<span dir="auto">{title}</span> {tags}', names[one["folder"]]])
    body = f"<h1>{escaped(box.account)}</h1>{table(('From', 'Subject', 'Folder'), rows)}"
    return frame("Mail", body, "Outlook")


def _mail(call: StandInCall) -> str:
    """Show one mail, its text only; raises Refused 404."""
    box = DemoOutlook(call.store)
    record = box.get(call.part("id"))
    mail = box.mail(record)
    lines = "".join(f"<div>{name}: {escaped(mail.header(name))}</div>" for name in ("From", "To", "Cc", "Date"))
    subject = mail.header("Subject") or "(no subject)"
    text = f'<pre dir="auto" style="white-space:pre-wrap">{escaped(mail.text)}</pre>'
    body = f'<p>{link("/", "All mail")}</p><h1 dir="auto">{escaped(subject)}</h1><div class="faint">{lines}</div>{text}'
    return frame(subject, body, "Outlook")
