"""Web pages: one small HTML frame, light and dark, without scripts or external requests."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

from demo import rich_text
from demo.markdown import Block

STYLE = """
:root{color-scheme:light dark;--text:#1f2328;--faint:#59636e;--line:#d1d9e0;--soft:#f6f8fa;--link:#0969da}
@media(prefers-color-scheme:dark){:root{--text:#f0f6fc;--faint:#9198a1;--line:#3d444d;--soft:#151b23;--link:#4493f8}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;color:var(--text);max-width:52rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:.3rem 0 .6rem;overflow-wrap:anywhere}h2{font-size:1.2rem}h3{font-size:1rem}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
p,li,dd{overflow-wrap:anywhere}td{overflow-wrap:break-word;max-width:24rem}.faint{color:var(--faint);font-size:.9rem}
.tag{display:inline-block;border:1px solid var(--line);border-radius:1rem;padding:0 .6rem;font-size:.85rem;
  white-space:nowrap}
.box{border:1px solid var(--line);border-radius:.5rem;margin:1rem 0;overflow:hidden}
.box>.head{background:var(--soft);border-bottom:1px solid var(--line);padding:.4rem .8rem;font-size:.9rem}
.box>.body{padding:.3rem .8rem}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid var(--line);padding:.4rem .6rem .4rem 0;text-align:left;vertical-align:top}
th{color:var(--faint);font-weight:500;font-size:.9rem}
pre{background:var(--soft);padding:.8rem;overflow-x:auto;border-radius:.4rem}code{background:var(--soft);font-size:.9em}
blockquote{border-left:3px solid var(--line);margin:.6rem 0;padding-left:.8rem;color:var(--faint)}
hr{border:0;border-top:1px solid var(--line)}
"""
LISTS = {"bulleted_list_item": "ul", "numbered_list_item": "ol", "to_do": "ul"}
TAGS = {"heading_1": "h2", "heading_2": "h3", "heading_3": "h4", "quote": "blockquote", "callout": "blockquote"}


def escaped(text: object) -> str:
    """Escape text for HTML."""
    return html.escape(str(text))


def link(address: str, text: object) -> str:
    """Return a link with escaped text."""
    return f'<a href="{html.escape(address)}">{html.escape(str(text))}</a>'


def frame(title: str, body: str, service: str) -> str:
    """Return a whole page; `body` is HTML, title and service are text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escaped(title)} · {escaped(service)}</title><style>{STYLE}</style></head>"
        f'<body><p class="faint">{escaped(service)}, a stand-in for the demo</p>{body}</body></html>'
    )


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; heads are text, cells are HTML."""
    head = "".join(f"<th>{escaped(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def messages_page(service: str, channels: Iterable[tuple[object, Iterable[tuple[object, object]]]]) -> str:
    """Return a page with the messages of channels: each channel's name, then authors and texts."""
    parts = []
    for name, messages in channels:
        said = "".join(f"<p><b>{escaped(author)}</b><br>{escaped(text)}</p>" for author, text in messages)
        parts.append(f"<h2>{escaped(name)}</h2>{said or '<p class=faint>No messages.</p>'}")
    return frame("Messages", "<h1>Messages</h1>" + "".join(parts), service)


def blocks_html(blocks: list[Block]) -> str:
    """Return Notion's blocks as HTML; adjacent list items form one list."""
    parts: list[str] = []
    opened = ""
    for each in blocks:
        wanted = LISTS.get(each["type"], "")
        if wanted != opened:
            parts.append((f"</{opened}>" if opened else "") + (f"<{wanted}>" if wanted else ""))
            opened = wanted
        parts.append(_block_html(each))
    return "".join(parts) + (f"</{opened}>" if opened else "")


def _block_html(each: Block) -> str:
    kind, content = each["type"], each[each["type"]]
    if kind == "divider":
        return "<hr>"
    if kind == "code":
        return f"<pre>{escaped(rich_text.text_of(content['rich_text']))}</pre>"
    if kind == "equation":
        return f"<pre>{escaped(content['expression'])}</pre>"
    if kind == "table":
        return _table_html(content)
    if kind in {"child_page", "child_database"}:
        return f"<p>{link(each.get('url', '#'), content['title'])}</p>"
    text = rich_text.to_html(content.get("rich_text", []))
    inner = text + blocks_html(content.get("children", []))
    if kind in LISTS:
        mark = ("☑ " if content["checked"] else "☐ ") if kind == "to_do" else ""
        return f"<li>{mark}{inner}</li>"
    tag = TAGS.get(kind, "p")
    return f"<{tag}>{text}</{tag}>" + blocks_html(content.get("children", []))


def _table_html(content: dict[str, Any]) -> str:
    rows = [[rich_text.to_html(cell) for cell in row["table_row"]["cells"]] for row in content.get("children", [])]
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table>{body}</table></div>'
