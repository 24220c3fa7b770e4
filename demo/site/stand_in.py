"""The site of the demo: `/feed.xml`, `/posts/<slug>` and `/pages/<name>`, without sign-in."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from demo.page import escaped
from demo.service import PublicRoute, Refused, json_object
from demo.store import Store

TOKEN = "demo-site-token"  # noqa: S105 - nothing asks for it
HOST = "https://news.example.com"
SAMPLE = Path(__file__).with_name("sample.json")
_NAV = '<nav><a href="/feed.xml">Feed</a> <a href="/pages/pricing">Prices</a></nav>'
_FEED = '<link rel="alternate" type="application/rss+xml" title="Harbour Notes" href="/feed.xml">'


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return the body of an error: the site has no format of its own."""
    return {"error": message, "status": status}


@cache
def sample() -> dict[str, Any]:
    """Return the sample data."""
    document: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    return document


def seed(store: Store) -> None:
    """Publish the posts of the last days."""
    now = datetime.now(UTC).replace(microsecond=0)
    for each in reversed(sample()["posts"]):
        publish(store, {**each, "at": (now - timedelta(days=each["days"])).isoformat()})
    for name, page in sample()["pages"].items():
        store.put("site/pages", name, page)


def publish(store: Store, post: dict[str, Any]) -> dict[str, Any]:
    """Store a post under its slug, in place of an earlier one."""
    kept = {"author": "Harbour Notes", "text": "", "at": datetime.now(UTC).isoformat(), **post}
    store.put("site/posts", kept["slug"], kept)
    return kept


def show(store: Store) -> dict[str, Any]:
    """Return posts and pages."""
    return {"posts": store.all("site/posts"), "pages": store.all("site/pages")}


def routes(store: Store) -> list[Route]:
    """Return the site's routes and the controls of tests."""

    async def feed(request: Request) -> Response:
        posts = sorted(store.all("site/posts"), key=lambda post: str(post["at"]), reverse=True)
        return _cached(request, _rss(posts), "application/rss+xml")

    async def post(request: Request) -> Response:
        found = store.get("site/posts", request.path_params["slug"])
        if found is None:
            raise Refused(404, "There is no such post.")
        byline = f"<p>{escaped(found['author'])}, {escaped(found['at'][:10])}</p>"
        head = f"<h1>{escaped(found['title'])}</h1>{byline}"
        return _cached(request, _page(found["title"], f"<article>{head}{found['text']}</article>"), "text/html")

    async def page(request: Request) -> Response:
        found = store.get("site/pages", request.path_params["name"])
        if found is None:
            raise Refused(404, "There is no such page.")
        return _cached(request, _page(found["title"], f"<main>{found['text']}</main>"), "text/html")

    async def home(_: Request) -> Response:
        titles = "".join(
            f'<li><a href="/posts/{escaped(one["slug"])}">{escaped(one["title"])}</a></li>'
            for one in store.all("site/posts")
        )
        return HTMLResponse(_page(sample()["title"], f"<main><ul>{titles}</ul></main>"))

    return [
        PublicRoute("/feed.xml", feed),
        PublicRoute("/posts/{slug}", post),
        PublicRoute("/pages/{name}", page),
        PublicRoute("/", home),
        *_controls(store),
    ]


def _controls(store: Store) -> list[Route]:
    """Return the controls with which tests publish a post and change a page."""

    async def make_post(request: Request) -> Response:
        return JSONResponse(publish(store, await json_object(request)))

    async def change_page(request: Request) -> Response:
        given = await json_object(request)
        store.put("site/pages", given["name"], {"title": given["name"], **given})
        return JSONResponse(given)

    return [
        PublicRoute("/_demo/post", make_post, methods=["POST"]),
        PublicRoute("/_demo/page", change_page, methods=["POST"]),
    ]


def _cached(request: Request, text: str, media_type: str) -> Response:
    """Answer with an ETag, or 304 to a client that has this text already (RFC 9110 13.1.2)."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(text, media_type=f"{media_type}; charset=utf-8", headers={"ETag": tag})


def _rss(posts: list[dict[str, Any]]) -> str:
    items = "".join(map(_item, posts))
    facts = sample()
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>{escape(facts['title'])}</title><link>{HOST}/</link>"
        f"<description>{escape(facts['description'])}</description>{items}</channel></rss>"
    )


def _item(post: dict[str, Any]) -> str:
    address = f"{HOST}/posts/{post['slug']}"
    at = format_datetime(datetime.fromisoformat(post["at"]))
    return (
        f"<item><title>{escape(post['title'])}</title><link>{address}</link><guid>{address}</guid>"
        f"<dc:creator>{escape(post['author'])}</dc:creator><pubDate>{at}</pubDate>"
        f"<description>{escape(post['text'])}</description></item>"
    )


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escaped(title)}</title>{_FEED}</head>'
        f"<body>{_NAV}{body}<footer>Harbour Notes, a stand-in for the demo</footer></body></html>"
    )
