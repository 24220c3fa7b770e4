"""`/approve`: the page behind a link to one question. Opening it shows the question; only its buttons answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.base.authentication import client_address
from api.base.hosts import is_same_origin
from api.base.rate_limit import RateLimit
from api.base.routing import BodyLimit
from api.pages.plain_page import plain_page
from engine.base.errors import InUse, InvalidInput, NotAllowed, OrchestraError
from engine.runs.answer_page import AnswerView, Render
from engine.runs.approvals import Approval

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

PATH = "/approve"
_LARGEST_FORM_BYTES = 16_000
_REQUESTS, _SECONDS = 30, 60.0
"""How often one address may ask; a link is pressed a few times, not more."""


@dataclass(frozen=True)
class LinkPages:
    """The handlers, over an engine that the caller has opened; `render` has the words of the pages."""

    orchestra: Callable[[], Orchestra]
    render: Render
    limit: RateLimit = field(default_factory=lambda: RateLimit(_REQUESTS, _SECONDS))

    def routes(self) -> list[Route]:
        """Return the routes for the application that also serves the dashboard."""
        limit = [Middleware(BodyLimit, largest_bytes=_LARGEST_FORM_BYTES)]
        return [
            Route(PATH, self.show, methods=["GET"]),
            Route(PATH, self.decide, methods=["POST"], middleware=limit),
        ]

    async def show(self, request: Request) -> Response:
        """Show the question and two buttons. Mail scanners and previews open links too: this changes nothing."""
        if (busy := self._busy(request)) is not None:
            return busy
        token = request.query_params.get("token", "")
        try:
            question = await run_in_threadpool(self.orchestra().approval_links.shown, token)
        except OrchestraError as error:
            return self._refused(request, error)
        return self._page(request, 200, token=token, question=question)

    async def decide(self, request: Request) -> Response:
        """Answer the question."""
        if (busy := self._busy(request)) is not None:
            return busy
        if "origin" in request.headers and not is_same_origin(request.headers):
            return PlainTextResponse("This request did not come from a page of this address.\n", 403)
        form = await request.form(max_fields=8, max_files=0)
        token, reason, answer = (str(form.get(name, "")) for name in ("token", "reason", "answer"))
        if answer not in ("approve", "reject"):
            return self._page(request, 422, notice="unpressed")
        try:
            question = await run_in_threadpool(self._answer, token, reason, answer)
        except OrchestraError as error:
            return self._refused(request, error)
        return self._page(request, 200, question=question)

    def _answer(self, token: str, reason: str, answer: str) -> Approval:
        return self.orchestra().approval_links.answer(token, reason, approve=answer == "approve")

    def _busy(self, request: Request) -> Response | None:
        seconds = self.limit.wait_seconds(client_address(request))
        if not seconds:
            return None
        page = self._page(request, 429, notice="busy", seconds=seconds)
        page.headers["Retry-After"] = str(seconds)
        return page

    def _refused(self, request: Request, error: OrchestraError) -> Response:
        statuses = {InUse: 409, NotAllowed: 403, InvalidInput: 422}
        status = next((code for kind, code in statuses.items() if isinstance(error, kind)), 503)
        return self._page(request, status, error=error)

    def _page(self, request: Request, status: int, **shown: Any) -> Response:
        page = self.render(AnswerView(request.headers.get("accept-language", ""), **shown))
        is_open = shown.get("question") is not None and shown["question"].state == "open"
        return plain_page(page.title, page.body, status, tab=page.tab, is_wide=is_open, language=page.language)
