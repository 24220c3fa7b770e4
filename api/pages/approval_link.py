"""`/approve`: the page behind a link to one question. Opening it shows the question; only its buttons answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
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
from clients.wording import counted
from engine.base.errors import InUse, NotAllowed, OrchestraError
from engine.outgoing import hidden_characters
from engine.people.answer_links import without_links
from engine.plugins.registry import link_word
from engine.record.plans.previews import shown
from engine.record.types.approval import AskedCall
from engine.runs.answers import LONGEST_REASON
from engine.runs.approval_links import has_files
from engine.runs.approval_titles import about
from engine.runs.approvals import Approval, State

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

PATH = "/approve"
_LARGEST_FORM_BYTES = 16_000
_LONGEST_HEADING = 300
_ENDINGS: Mapping[State, str] = {
    "approved": "was approved",
    "rejected": "was rejected",
    "expired": "has expired",
    "withdrawn": "was withdrawn",
}
_REQUESTS, _SECONDS = 30, 60.0
"""How often one address may ask; a link is pressed a few times, not more."""


@dataclass(frozen=True)
class LinkPages:
    """The handlers, over an engine that the caller has opened."""

    orchestra: Callable[[], Orchestra]
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
            approval = await run_in_threadpool(self.orchestra().approval_links.shown, token)
        except OrchestraError as error:
            return _refused(error)
        return _question(approval, token)

    async def decide(self, request: Request) -> Response:
        """Answer the question."""
        if (busy := self._busy(request)) is not None:
            return busy
        if "origin" in request.headers and not is_same_origin(request.headers):
            return PlainTextResponse("This request did not come from a page of this address.\n", 403)
        form = await request.form(max_fields=8, max_files=0)
        token, reason, answer = (str(form.get(name, "")) for name in ("token", "reason", "answer"))
        if answer not in ("approve", "reject"):
            return plain_page("Not answered", "<p>Press one of the two buttons.</p>", 422)
        try:
            approval = await run_in_threadpool(self._answer, token, reason, answer)
        except OrchestraError as error:
            return _refused(error)
        return _outcome(approval)

    def _answer(self, token: str, reason: str, answer: str) -> Approval:
        return self.orchestra().approval_links.answer(token, reason, approve=answer == "approve")

    def _busy(self, request: Request) -> Response | None:
        seconds = self.limit.wait_seconds(client_address(request))
        if not seconds:
            return None
        page = plain_page("Too many requests", f"<p>Try again in {counted(seconds, 'second')}.</p>", 429)
        page.headers["Retry-After"] = str(seconds)
        return page


def _refused(error: OrchestraError) -> Response:
    status = 409 if isinstance(error, InUse) else 403 if isinstance(error, NotAllowed) else 503
    return plain_page("Not answered", f"<p>{_html(error.message)}</p><p>{_html(error.remedy)}</p>", status)


def _question(approval: Approval, token: str) -> Response:
    if approval.state != "open":
        return _outcome(approval)
    facts = [("Workflow", approval.workflow), ("Step", approval.path), ("Asked", approval.asked_at)]
    if approval.expires_at is not None:
        facts.append(("Expires", approval.expires_at))
    body = f"<dl>{''.join(_fact(name, value) for name, value in facts)}{_call(approval)}</dl>"
    if approval.by:
        body += "<p>This question names who may answer it. Sign in, and answer on the page Approvals.</p>"
    else:
        can_approve = not has_files(approval) and not approval.gaps
        if approval.gaps:
            body += f"<p>Not finished, with gaps to fill in: {_html(', '.join(approval.gaps))}.</p>"
        if can_approve:
            body += f"<p>{_html(_what_approving_does(approval))}</p>"
        body += _form(token, can_approve=can_approve)
    heading = about(approval)
    if heading:
        body = f"<p>{_html(approval.message)}</p>{body}"
    return plain_page(_html(_cut(heading or approval.message)), body, tab="Approval", is_wide=True)


def _outcome(approval: Approval) -> Response:
    """Show only what came of a question: old links lie in mailboxes, and nobody needs its texts now."""
    answer = approval.state.capitalize() + (", as edited" if approval.edited is not None else "")
    facts = [("Workflow", approval.workflow), ("Answer", answer)]
    facts += [("By", approval.answered_by)] if approval.answered_by else []
    facts += [("At", approval.answered_at)] if approval.answered_at else []
    body = f"<dl>{''.join(_fact(name, value) for name, value in facts)}</dl>"
    body += '<p role="status">The link no longer works.</p>'
    return plain_page(f"This question {_ENDINGS[approval.state]}", body, tab="Approval")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_HEADING else f"{text[:_LONGEST_HEADING].rstrip()} …"


def _what_approving_does(approval: Approval) -> str:
    """Return what an approval permits, in one sentence."""
    call = approval.call
    if call is None:
        return "Approving lets the run go on after this question, and permits no call."
    account = call.account_name or call.account
    whom, told = f" as {account}" if account else "", about(approval)
    towards = f" ({told})" if told else ""
    return (
        f"Approving permits one call of {call.uses}{whom}{towards}, with exactly the arguments above. "
        "If anything differs when the run goes on, it asks again."
    )


def _call(approval: Approval) -> str:
    call = approval.call
    if call is None:
        return "" if approval.details is None else f"<dt>Details</dt><dd><pre>{_text(approval.details)}</pre></dd>"
    cost = "not known" if call.cost_usd is None else f"{call.cost_usd:.4f} USD"
    told = _fact("Call", f"{call.uses} as {call.account_name or call.account}") + _fact("Cost so far", cost)
    for name, value in call.arguments.items():
        origin = call.outside.get(name)
        mark = "" if origin is None else f" · text from outside: {_html(origin)}"
        kind = "" if origin is None else ' class="outside"'
        told += f"<dt>{_html(name)}{mark}</dt><dd><pre{kind}>{_text(value)}</pre></dd>"
    told += _fact("What was done to the texts", " ".join(call.notes)) if call.notes else ""
    return told + _effect(call)


def _effect(call: AskedCall) -> str:
    """Return what the call would change, or why that is unknown, and what has changed since an earlier approval."""
    found = ""
    if call.preview is not None:
        text, title = _text(shown(call.preview)), _html(call.preview.title)
        found += f'<dt>What it does: {title}</dt><dd><pre class="outside">{text}</pre></dd>'
        found += _linked(link_word(call.uses), call.preview.url)
    if call.unreadable:
        found += _fact("What it is about could not be read", call.unreadable)
    if call.again:
        found += f"<dt>It was approved before, and asks again</dt><dd><pre>{_text(call.again)}</pre></dd>"
    return found


def _linked(name: str, url: str) -> str:
    """Return the address of what the call is about; a link only if it is a web page."""
    if not url.startswith(("https://", "http://")):
        return ""
    link = f'<a href="{escape(without_links(url))}" rel="noreferrer" target="_blank">{_html(url)}</a>'
    return f"<dt>{_html(name)}</dt><dd>{link}</dd>"


def _fact(name: str, value: str) -> str:
    return f"<dt>{name}</dt><dd>{_html(value)}</dd>"


def _text(value: Any) -> str:
    return _html(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))


def _html(text: str) -> str:
    """Return a text as HTML that shows it literally, and the characters that nobody sees as marks.

    Links to other questions are left out: whoever may answer one question must not get to answer the others.
    """
    return escape(without_links(hidden_characters.shown(text)[0]))


def _form(token: str, *, can_approve: bool) -> str:
    approve = '<button type="submit" name="answer" value="approve">Approve</button>'
    files = "<p>This call has files, large texts or gaps. To approve it, sign in and go to the page Approvals.</p>"
    return f"""{"" if can_approve else files}<form method="post" action="{PATH}">
<input type="hidden" name="token" value="{escape(token)}">
<label>Reason or comment <input name="reason" maxlength="{LONGEST_REASON}" placeholder="Optional"></label>
<div class="two">
{approve if can_approve else ""}
<button type="submit" name="answer" value="reject" class="no">Reject</button>
</div>
</form>
<p class="soft">The link works once. Whoever has it can answer this question.</p>"""
