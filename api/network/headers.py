"""Response headers that tell a browser what our pages may do."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.util import find_spec
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_JSON = "default-src 'none'; frame-ancestors 'none'"

# Graphviz, drawn in the browser, is WebAssembly; scripts of Streamlit's own components come as blobs.
_PAGES = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob: {inline}; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)
# Components in frames (the map of steps) are pages of their packages, and start with inline scripts.
_COMPONENT = _PAGES.format(inline="'unsafe-inline'")

# `same-origin` and not `no-referrer`: with the latter, browsers send `Origin: null` with our own forms (Fetch, 3.2).
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",  # components are frames of the same origin
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class SecurityHeaders:
    """Adds the headers to each HTTP response that has not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._pages = _PAGES.format(inline=" ".join(inline_scripts(_streamlit_page())))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a `send` that adds the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        policy = _COMPONENT if scope["path"].startswith("/component/") else self._pages

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message), policy)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def inline_scripts(html: str) -> list[str]:
    """Return the source expressions that allow exactly the scripts inside `html` (CSP 3, 2.3.1)."""
    texts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    return [f"'sha256-{digest}'" for digest in digests]


def _streamlit_page() -> str:
    spec = find_spec("streamlit")
    page = Path(spec.origin).parent / "static" / "index.html" if spec and spec.origin else None
    return page.read_text(encoding="utf-8") if page and page.exists() else ""


def _add(headers: MutableHeaders, policy: str) -> None:
    is_json = headers.get("content-type", "").startswith("application/json")
    headers.setdefault("Content-Security-Policy", _JSON if is_json else policy)
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)
