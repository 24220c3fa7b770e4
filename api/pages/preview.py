"""`/preview/{token}/{path}`: the static pages of a project, for a frame of the dashboard that nothing gets out of.

What is served may have been written by a model, and is run as a script. So each answer gives it an origin of its own
(`sandbox` without `allow-same-origin`: no cookies, no storage, no service workers, nothing of the dashboard or of the
REST API), and lets it load only what the same link leads to: no connections, forms, frames or windows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from engine.base.errors import NotAllowed, OrchestraError, UnknownName
from engine.people.answer_links import without_links_in_bytes
from engine.runs.projects.previews import PATH

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src {scripts}; "
    "style-src {own} 'unsafe-inline'; img-src {own} data: blob:; media-src {own} data: blob:; font-src {own} data:; "
    "connect-src 'none'; form-action 'none'; frame-src 'none'; worker-src 'none'; object-src 'none'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types default; frame-ancestors 'self'"
)
_SCRIPTS = "{own} 'unsafe-inline' 'unsafe-eval'"
_HTML = "text/html"
_DOCTYPE = re.compile(rb"\A\s*<!doctype[^>]*>", re.IGNORECASE)
_SOURCE_OF_FRAME = re.compile(rb"srcdoc", re.IGNORECASE)
_IN_FRAMES = ("iframe", "frame")
_NAVIGATIONS = ("navigate", "nested-navigate")
_ALWAYS = {
    "X-DNS-Prefetch-Control": "off",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",  # of fonts and modules: a page with an origin of its own asks with CORS
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), clipboard-read=(), clipboard-write=()",
}


@dataclass(frozen=True)
class PreviewPages:
    """The handler, over an engine that the caller has opened."""

    orchestra: Callable[[], Orchestra]

    def routes(self) -> list[Route]:
        """Return the routes for the application that also serves the dashboard."""
        return [Route(f"{PATH}{{token}}/{{path:path}}", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """Return a file of a preview."""
        if (refusal := _refusal(request)) is not None:
            return _answer(request, PlainTextResponse(refusal, 403))
        token, path = request.path_params["token"], request.path_params["path"]
        try:
            found = await run_in_threadpool(self.orchestra().project_previews.file, token, path)
        except OrchestraError as error:
            status = 403 if isinstance(error, NotAllowed) else 404 if isinstance(error, UnknownName) else 422
            return _answer(request, PlainTextResponse(f"{error.message} {error.remedy}\n", status))
        is_page = found.media_type.startswith(_HTML)
        shown = without_links_in_bytes(found.content)  # the frame does not say who looks
        content = _guarded(shown) if is_page else shown
        answer = Response(content, headers={"Content-Type": found.media_type})
        return _answer(request, answer, has_scripts=is_page)


def _refusal(request: Request) -> str | None:
    """Return why nothing is served for a request; None if it may come from the frame.

    Browsers say what a request is for (Fetch Metadata). In a window of its own, a page could lead on to elsewhere,
    which the policy of the dashboard forbids its frame.
    """
    mode, for_what = request.headers.get("sec-fetch-mode"), request.headers.get("sec-fetch-dest")
    if mode in _NAVIGATIONS and for_what not in _IN_FRAMES:
        return "A preview is shown only on the page of its project.\n"
    if request.headers.get("service-worker") or for_what in ("serviceworker", "sharedworker"):
        return "A preview has no workers.\n"
    return None


def _guarded(page: bytes) -> bytes:
    """Return a page with our script before all of its own, which takes away what its policy cannot forbid."""
    # Behind the doctype, as a page that begins with anything else is shown in quirks mode. A frame with `srcdoc` would
    # have a window of its own, in which nothing has been taken away.
    doctype = _DOCTYPE.match(page)
    at = doctype.end() if doctype else 0
    return page[:at] + _prelude() + _SOURCE_OF_FRAME.sub(b"nosrcdoc", page[at:])


@cache
def _prelude() -> bytes:
    return b"<script>" + Path(__file__).with_name("preview_prelude.js").read_bytes() + b"</script>"


def _answer(request: Request, answer: Response, *, has_scripts: bool = False) -> Response:
    """Add the headers. Only pages with our script have scripts: a picture in SVG that is opened as a page has none."""
    own = _own(request)
    scripts = _SCRIPTS.format(own=own) if has_scripts else "'none'"
    answer.headers.update(_ALWAYS)
    answer.headers["Content-Security-Policy"] = _POLICY.format(own=own, scripts=scripts)
    return answer


def _own(request: Request) -> str:
    """Return what of this server a preview may load: only its own files, where the policy can name them."""
    host, token = request.headers.get("host", ""), request.path_params["token"]
    is_plain = host.isascii() and not host.startswith("[")  # a policy cannot name an address of IPv6
    return f"{host}{PATH}{token}/" if is_plain else "'self'"
