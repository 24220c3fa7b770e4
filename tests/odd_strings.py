"""Strings that break programs: markup, code of other languages, signs that nobody sees, numbers that are none."""

from __future__ import annotations

MARKUP = (
    "<script>window.harm = 1</script>",
    "<img src=x onerror='window.harm = 2'>",
    '"><svg/onload=window.harm=3>',
    "<iframe srcdoc='<script>parent.harm = 4</script>'></iframe>",
    "</textarea></pre></script><script>harm=5</script>",
    "javascript:window.harm=6",
    "[press](javascript:window.harm=7)",
    "![](x' onerror='window.harm=8)",
    "<style>body { display: none }</style>",
    "<!-- and no end",
    "<details open ontoggle=window.harm=9>",
    "&lt;script&gt; &#x3C;b&#x3E;",
    "$$\\href{javascript:window.harm=10}{x}$$",
    ":material/delete: :red[red] :smile:",
    "`code` ~~~ ``` **bold** _under_ # title",
)
CODE = (
    "'; DROP TABLE runs; --",
    '" OR ""="',
    "{{ 7 * 7 }} ${7*7} #{7*7} <%= 7 %> {% raw %}",
    "$(touch harm) `touch harm` ; touch harm | cat",
    "%s %d %n %x {0} {name!r}",
    "../../etc/passwd\\..\\..",
    "() { :; }; echo harm",
    '=HYPERLINK("http://x.example";"press")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "http://[::1]:80/%00?a=1#b",
)
SIGNS = (
    "\u202eright to left\u202c and back",
    "zero\u200bwidth\u200djoined\ufeff",
    "Z\u0351\u036b\u0343\u036a\u0302a\u0346\u0352l\u0310g\u0354o\u0341",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇳🇴 ✋🏿",
    "ﷺ ﷽ ၊ 𝒳𝓎𝓏 ﬀ",
    "שלום مرحبا สวัสดี こんにちは 你好",
    "İıŞşẞß ǅ",
    "\u0007 \u001b[31mred\u001b[0m \u0085 \u2028 \u2029",
    "tab\tcr\rcrlf\r\nlf\n",
    "  leading and trailing  ",
    "…‘’“”«»–—‑\u00a0\u3000",
    "a" * 5000,
)
NAMES = (
    "null", "None", "undefined", "true", "NaN", "-Infinity", "0", "-0.0", "1e999", "0x1F", "1_000", "٣",
    "__proto__", "constructor", "__class__", "CON", "nul.txt", ".", "..", "-rf", "~", "*", "?",
)  # fmt: skip
ODD_STRINGS = (*MARKUP, *CODE, *SIGNS, *NAMES)
