"""`/forms/{token}`: a form that anybody may fill in who has its address, without signing in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api.base.authentication import client_address
from api.base.rate_limit import RateLimit
from api.base.routing import told_bytes
from api.pages.form_body import PAGE_ID, TRAP, Body, BodyTooLarge, UnreadableBody, read_body
from engine.base.errors import OrchestraError
from engine.forms.inbox import discard
from engine.forms.values import InvalidValue, checked
from engine.forms.view import FormView, Notice, Render
from engine.triggering.forms import PATH, FormBusy, Forms, NoForm, OpenForm
from engine.workflows.recent import Recent

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_REQUESTS, _SECONDS = 60, 60.0
"""How often one network may open or send forms at all; each form limits its accepted submissions itself."""
_HOUR_SECONDS = 3600.0
_MOST_FORMS = 1000


@dataclass(frozen=True)
class FormPages:
    """The handlers, over an engine that the caller has opened; `render` has the words of the pages."""

    orchestra: Callable[[], Orchestra]
    render: Render
    requests: RateLimit = field(default_factory=lambda: RateLimit(_REQUESTS, _SECONDS))
    submissions: Recent[tuple[str, int], RateLimit] = field(default_factory=lambda: Recent(_MOST_FORMS, _MOST_FORMS))
    """For each form and its limit."""

    def routes(self) -> list[Route]:
        """Return the routes for the application that also serves the dashboard."""
        return [
            Route(f"{PATH}{{token}}", self.show, methods=["GET"]),
            Route(f"{PATH}{{token}}", self.send, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show the empty form; this stores nothing."""
        if busy := self._busy(request):
            return busy
        return await run_in_threadpool(self._shown, request)

    async def send(self, request: Request) -> Response:
        """Take a submission, which is on disk before anybody is thanked; the same one again changes nothing."""
        if busy := self._busy(request):
            return busy
        try:
            form = await run_in_threadpool(self._forms.open, request.path_params["token"])
            draft = await run_in_threadpool(form.inbox.draft)
        except OrchestraError as error:
            return self._refused(request, error)
        try:
            body = await read_body(request.headers.get("content-type", ""), request.stream(), form.fields, draft)
            return await run_in_threadpool(self._answer, request, form, draft, body)
        except UnreadableBody:
            return self._page(request, 400, notice="unreadable")
        except BodyTooLarge:  # no "close": the rest must be read, or the answer is lost
            told, most = told_bytes(request.headers), form.fields.most_bytes
            return self._page(request, 413, notice="too_large", size_bytes=told, most_bytes=most)
        except ClientDisconnect:
            return Response(status_code=400)
        except (OrchestraError, OSError) as error:
            return self._refused(request, error)
        finally:
            await run_in_threadpool(discard, draft)

    @property
    def _forms(self) -> Forms:
        return self.orchestra().forms

    def _shown(self, request: Request) -> Response:
        try:
            form = self._forms.open(request.path_params["token"])
        except OrchestraError as error:
            return self._refused(request, error)
        return self._page(request, 200, fields=form.fields, page_id=self._forms.new_page(form))

    def _answer(self, request: Request, form: OpenForm, draft: Path, body: Body) -> Response:
        """Check what was sent, and keep it. Raises StorageError."""
        if body.own.get(TRAP):  # nobody sees this field
            return self._page(request, 200, fields=form.fields, is_sent=True)
        if body.size_bytes > form.fields.most_bytes:
            return self._again(request, 413, form, body, "too_large", body.wrong)
        id_ = self._forms.submission_of(form, body.own.get(PAGE_ID, ""))
        if id_ is None:
            return self._again(request, 409, form, body, "old", {})
        values, wrong = checked(form.fields.fields, body.texts)
        wrong |= body.wrong | _missing_files(form, body)
        if wrong:
            return self._again(request, 422, form, body, "wrong", wrong, body.own[PAGE_ID])
        if not form.inbox.has(id_) and (refusal := self._no_room(request, form, body)):
            return refusal
        if self._forms.submit(form, draft, id_, values, body.files) == "other":
            return self._again(request, 409, form, body, "sent_before", {})
        return self._page(request, 200, fields=form.fields, is_sent=True)

    def _no_room(self, request: Request, form: OpenForm, body: Body) -> Response | None:
        """Return the refusal if this submission is one too many; None if there is room. Raises StorageError."""
        same = body.own[PAGE_ID]
        try:
            self._forms.require_room(form)
        except FormBusy as error:
            notice: Notice = "full" if error.is_full else "day"
            status = 503 if error.is_full else 429
            return self._again(request, status, form, body, notice, {}, same, error.retry_after_seconds)
        most = form.fields.per_address
        limit = self.submissions.get((form.token, most)) or RateLimit(most, _HOUR_SECONDS)
        self.submissions.keep((form.token, most), limit, 1)
        seconds = limit.wait_seconds(client_address(request))
        return self._again(request, 429, form, body, "often", {}, same, seconds) if seconds else None

    def _again(
        self,
        request: Request,
        status: int,
        form: OpenForm,
        body: Body,
        notice: Notice,
        wrong: Mapping[str, InvalidValue],
        page_id: str = "",
        seconds: int = 0,
    ) -> Response:
        """Show the form with what was typed; files are not sent back to browsers, and must be chosen again."""
        return self._page(
            request,
            status,
            {"Retry-After": str(seconds)} if seconds else {},
            fields=form.fields,
            notice=notice,
            minutes=-(-seconds // 60),
            size_bytes=body.size_bytes,
            most_bytes=form.fields.most_bytes,
            page_id=page_id or self._forms.new_page(form),
            texts=body.texts,
            wrong=wrong,
            has_lost_files=bool(body.files),
        )

    def _busy(self, request: Request) -> Response | None:
        seconds = self.requests.wait_seconds(client_address(request))
        if not seconds:
            return None
        return self._page(request, 429, {"Retry-After": str(seconds)}, notice="often", minutes=-(-seconds // 60))

    def _refused(self, request: Request, error: Exception) -> Response:
        """Say as little as possible: an unknown form and one that is off look the same."""
        is_unknown = isinstance(error, NoForm)
        return self._page(request, 404 if is_unknown else 503, notice="unknown" if is_unknown else "broken")

    def _page(self, request: Request, status: int, headers: Mapping[str, str] | None = None, **shown: Any) -> Response:
        nonce = secrets.token_urlsafe(16)
        view = FormView(languages=request.headers.get("accept-language", ""), nonce=nonce, **shown)
        return HTMLResponse(self.render(view), status, headers={**_headers(nonce), **(headers or {})})


def _missing_files(form: OpenForm, body: Body) -> dict[str, InvalidValue]:
    needed = (one.name for one in form.fields.files if one.required)
    return {name: InvalidValue("required") for name in needed if name not in body.files and name not in body.wrong}


def _headers(nonce: str) -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        ),
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
        "Vary": "Accept-Language",
    }
