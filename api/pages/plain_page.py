"""Pages that need no dashboard: one small HTML text of our own, without scripts or external resources."""

from __future__ import annotations

import base64
import hashlib

from starlette.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; --text: #1f2430; --soft: #5b6272; --page: #f6f7f9; --card: #fff; --line: #d5d9e0;
  --strong: #4f46e5; --on-strong: #fff; --bad: #b42318; --warned: #fef3c7; --outside: #fff7ed;
  --outside-edge: #fdba74; --gap: #fde68a; }
@media (prefers-color-scheme: dark) { :root { --text: #e8eaf0; --soft: #a3aabb; --page: #14161c; --card: #1d2029;
  --line: #3a4050; --strong: #a5a0ff; --on-strong: #13151b;
  --bad: #ff9d92; --warned: #423311; --outside: #2a2118; --outside-edge: #9a5b1f; --gap: #854d0e; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; padding: 2rem 1.5rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; }
h1 { margin: 0 0 1rem; font-size: 1.375rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
.soft { margin: 1.5rem 0 0; color: var(--soft); font-size: .875rem; }
.bad { color: var(--bad); }
label { display: block; margin: 0 0 1rem; font-size: .875rem; font-weight: 600; }
input { display: block; width: 100%; margin-top: .25rem; padding: .625rem .75rem; font: inherit; color: inherit;
  background: var(--page); border: 1px solid var(--line); border-radius: .5rem; }
button, .button { display: block; width: 100%; padding: .75rem; font: inherit; font-weight: 600;
  color: var(--on-strong); background: var(--strong); border: 0; border-radius: .5rem; cursor: pointer;
  text-align: center; text-decoration: none; }
.or { color: var(--soft); text-align: center; }
.soft a { color: inherit; }
input:focus-visible, button:focus-visible, a:focus-visible, summary:focus-visible {
  outline: 3px solid var(--strong); outline-offset: 2px; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.no { color: var(--text); background: var(--page); border: 1px solid var(--line); }
main.wide { max-width: 46rem; }
.wide h1 { font-size: 1.25rem; font-weight: 500; overflow-wrap: anywhere; }
.facts, .origin, .name { margin: 0 0 1rem; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
.facts a { color: inherit; }
.name { margin: 0 0 .25rem; }
.warning { padding: .625rem .75rem; background: var(--warned); border-radius: .5rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .9rem; margin: 0 0 1rem;
  overflow-wrap: anywhere; }
dt { color: var(--soft); }
dd { margin: 0; white-space: pre-wrap; }
/* A letter as its receiver sees it; what others have written in it has a soft background. */
.letter { margin: 0 0 1rem; padding: .8rem 1rem; background: var(--page); border-radius: .5rem; white-space: pre-wrap;
  unicode-bidi: plaintext; overflow-wrap: anywhere; }
.letter i { font-style: normal; color: var(--soft); }
.letter mark { background: var(--gap); color: inherit; font-weight: 600; border-radius: .2rem; }
.outside { background: var(--outside); border-inline-start: 3px solid var(--outside-edge); }
.outside + .origin { margin-top: -.5rem; }
.original { margin: 0 0 1rem; padding: 0 0 .25rem; border-bottom: 1px solid var(--line); }
.original dl { margin-bottom: .5rem; }
pre { margin: 0 0 1rem; padding: .75rem; max-height: 24rem; overflow: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; background: var(--page); border-radius: .5rem; font-size: .875rem; }
pre.outside { background: var(--outside); }
details { margin: 0 0 1rem; }
summary { padding: .25rem 0; color: var(--soft); font-size: .875rem; cursor: pointer; }
.exact { margin: 1.5rem 0 0; }
/* The answer stays in reach while a long letter is read. */
.answer { position: sticky; bottom: 0; margin: 0 -1.5rem; padding: .75rem 1.5rem; background: var(--card); }
.answer input { margin: 0 0 .75rem; }
.answer + .soft, .wide > .soft { margin: 0 0 .25rem; }
code { font-family: ui-monospace, monospace; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
}
_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{tab} · AI-Orchestra</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main class="{kind}">
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def plain_page(
    title: str, body: str, status: int = 200, *, tab: str = "", is_wide: bool = False, language: str = "en"
) -> HTMLResponse:
    """Return a page; `title` and `body` are HTML, `tab` is the title of the browser tab."""
    kind = "wide" if is_wide else ""
    page = _PAGE.format(style=_STYLE, title=title, body=body, tab=tab or title, kind=kind, language=language)
    return HTMLResponse(page, status, headers=_HEADERS)
