"""No service makes a link or an image of what comes out, whatever went in; what leads nowhere strange stays."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clients.notion.text.blocks import blocks_of
from engine.outgoing.markdown import without_links
from tests.engine.outgoing.addresses import rendered, urls_in


def is_named(place: str) -> bool:
    return place == "ok.example"


def out(text: str) -> str:
    return without_links(text, is_named)[0]


REWRITTEN = {
    "link": ("[a](https://evil.example/x 'title')", "a (link to `evil.example`: `https://evil.example/x`)"),
    "image": ("![a](https://evil.example/?d=1)", "a (image at `evil.example`: `https://evil.example/?d=1`)"),
    "no words": ("![](https://evil.example/)", "(image at `evil.example`: `https://evil.example/`)"),
    "bare": ("See https://evil.example/a_b.", "See `https://evil.example/a_b`."),
    "in brackets": ("<https://evil.example/a>", "`https://evil.example/a`"),
    "www": ("at www.evil.example!", "at `www.evil.example`!"),
    "www after a sign": ("_www.evil.example/?d=SECRET", "_`www.evil.example/?d=SECRET`"),
    "bare mail": ("xmpp:x@evil.example/r mailto:x@evil.example", "`xmpp:x@evil.example/r` `mailto:x@evil.example`"),
    "a mail to two": (
        "[a](mailto:a@ok.example?bcc=x@evil.example)",
        "a (link to `ok.example`: `mailto:a@ok.example?bcc=x@evil.example`)",
    ),
    "a mail by another server": (
        "[b](mailto:x%40evil.example@ok.example)",
        "b (link to `ok.example`: `mailto:x%40evil.example@ok.example`)",
    ),
    "reference": (
        "[a][1] and [1]\n\n[1]: https://evil.example/r",
        "a (link to `evil.example`) and 1 (link to `evil.example`)\n\n\\[1]: `https://evil.example/r`",
    ),
    "image in a link": (
        "[![a](https://evil.example/i)](https://ok.example/)",
        "[a (image at `evil.example`: `https://evil.example/i`)](https://ok.example/)",
    ),
    "tag": ("<img src='//evil.example/i'>", "&lt;img src='//evil.example/i'>"),
    "comment": ("a <!-- obey --> b", "a &lt;!-- obey --> b"),
    "block of html": (
        "<p>\n<a href='https://evil.example'>a</a>",
        "&lt;p>\n&lt;a href='`https://evil.example`'>a&lt;/a>",
    ),
    "user name": (
        "[a](https://ok.example@evil.example/)",
        "a (link to `evil.example`: `https://ok.example@evil.example/`)",
    ),
    "backslash": ("[a](<https:/\\evil.example/>)", "a (link to `evil.example`: `https:/%5Cevil.example/`)"),
    "without a scheme": ("![a](//evil.example/i)", "a (image at `evil.example`: `//evil.example/i`)"),
    "a mail with words": (
        "[a](mailto:x@evil.example?body=b)",
        "a (link to `evil.example`: `mailto:x@evil.example?body=b`)",
    ),
    "code beside it": ("`x` [a](https://evil.example/)", "`x` a (link to ``evil.example``: ``https://evil.example/``)"),
    "quote and table": (
        "> [a](https://evil.example/q)\n\n| h |\n|---|\n| <https://evil.example/t> |",
        "> a (link to `evil.example`: `https://evil.example/q`)\n\n| h |\n|---|\n| `https://evil.example/t` |",
    ),
    "code for one service only": (
        "~~~ a`b\n![x](https://evil.example/)",
        "~~~\n![x] (``https://evil.example/``)",
    ),
    "read in two ways": ("![`](https://evil.example/`)", "' (image at ``evil.example``: ``https://evil.example/'``)"),
    "drawn code": (
        '```mermaid\nclick A "https://evil.example/"\n```',
        '```\nclick A "https://evil.example/"\n```',
    ),
    "drawn code in disguise": ("```&#109;ermaid\nx\n```\n~~~ js hidden\ny\n~~~", "```\nx\n```\n~~~\ny\n~~~"),
    "unmatched backticks": (
        "Hi `` `a `![i](https://evil.example/?d=1)` and `<!-- order -->`",
        "Hi '' 'a 'i (image at ```evil.example```: ```https://evil.example/?d=1```)' and '&lt;!-- order -->'",
    ),
    "an unmatched run between addresses": (
        "a `` b https://evil.example/1 c https://evil.example/2",
        "a '' b `https://evil.example/1` c `https://evil.example/2`",
    ),
    "equation": ("$\\href{//evil.example}{x}$", "$href{//evil.example}{x}$"),
    "escape in an address": (
        "https://ok.example/\\<a href=//evil.example>",
        "https://ok.example/ \\<a href=//evil.example>",
    ),
    "mentions": (
        "@octocat, @acme/admins: `@here` ann@shop.example. Fixes #1, closes acme/app#2; see #3",
        "``@octocat``, ``@acme/admins``: `@here` ann@shop.example. Fixes ``#1``, closes ``acme/app#2``; see #3",
    ),
    "another issue": (
        "see acme/app#12, GH-3 and https://github.com/acme/app/issues/2#note; #4 a/b.c#d",
        "see `acme/app#12`, `GH-3` and `https://github.com/acme/app/issues/2#note`; #4 a/b.c#d",
    ),
    "a link to another issue": ("[a](/acme/app/issues/2)", "a (link to `acme`: `/acme/app/issues/2`)"),
    "orders to bots": (
        "/close\n> /lgtm please\n- /assign @x\nsee /close\n/etc/hosts\nbors r+\n```\n/hold\n```",
        "/ close\n> / lgtm please\n- / assign `@x`\nsee /close\n/etc/hosts\nbors. r+\n```\n/ hold\n```",
    ),
    "orders behind odd blanks": (
        "\ufeff/close\n\u00a0/close\n\u3000\t/close\u2028/close\x85 /close\v/close\f/close\rbors: r+",
        "\ufeff/ close\n\u00a0/ close\n\u3000\t/ close\u2028/ close\x85 / close\v/ close\f/ close\rbors.: r+",
    ),
    "orders behind signs of formatting": (
        "- [ ] /close\n1. [x] /close\n<br>/close\n```\n<!-- a -->/close\n<!--\n-->/close\n```",
        "- [ ] / close\n1. [x] / close\n<br>/ close\n```\n<!-- a -->/ close\n<!--\n-->/ close\n```",
    ),
    "orders of a commit": (
        "a [skip ci] [CI-Skip] [no ci] [skip netlify]\n\nCo-Authored-By: X <x@a.example>\nskip-checks : true",
        "a [ skip ci] [ CI-Skip] [ no ci] [ skip netlify]\n\nCo- Authored-By: X <x@a.example>\nskip- checks : true",
    ),
    "mentions beside signs that are no letters to GitHub": (
        "\u212a@octocat \u3042fixes #1",
        "\u212a`@octocat` \u3042fixes `#1`",
    ),
    "an order in the words of a link": (
        "[/close](https://evil.example/)",
        "/ close (link to `evil.example`: `https://evil.example/`)",
    ),
    "closed issue": ("Fixes #1", "Fixes `#1`"),
    "closed issue in emphasis": ("_Fixes_ #1, _closes #2_", "_Fixes_ `#1`, _closes `#2`_"),
    "closed issue far away": (f"Fixes{30 * ' '}#1", f"Fixes{30 * ' '}`#1`"),
    "keyword with an entity": ("Fixe&#115; #1", "```\nFixe&#115; #1\n```"),
    "number with an entity": ("Fixes #&#49;", "```\nFixes #&#49;\n```"),
    "mention in HTML": (
        "<div>\n@octo-cat, @acme/a-b closes #1\n</div>",
        "<div>\n@ octo-cat, @ acme/a-b closes # 1\n</div>",
    ),
    "backtick in an address": (
        "https://ok.example/`` ` ``![i](https://evil.example/)",
        "https://ok.example/ `` ` ``i (image at ```evil.example```: ```https://evil.example/```)",
    ),
    "comment of one service only": ("a <!----- order -->", "a &lt;!----- order -->"),
    "row over two lines": (
        "<table>\n<tr><td>[a](htt\nps://evil.example/)</td></tr>\n</table>",
        "```\n<table>\n<tr><td>[a](htt\nps://evil.example/)</td></tr>\n</table>\n```",
    ),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_a_link_to_a_stranger_becomes_text(case: str) -> None:
    given, wanted = REWRITTEN[case]
    assert out(given) == wanted
    assert out(wanted) == wanted


KEPT = {
    "named link": "[a](https://ok.example/x), ![b](https://OK.example:443/y) and https://ok.example/z.",
    "relative": "[a](docs/x.md) [b](#part) ![c](/logo.png)",
    "code": "`https://evil.example/`\n\n```sh\ncurl https://evil.example/\n```\n",
    "mail address": "Ann <ann@shop.example> and ann@shop.example",
    "tags without addresses": "<details>\n<summary>More</summary>\n\nText<br>\n\n</details>",
    "numbers": "see #1, prefixes #2, Fixed in 3; `Fixes #4` @ 5, a@b.example",
    "brackets": "a [1] (see b) [x](y z) 5 < 6 && c > d; a::b",
    "no orders": "&#47;close\n&sol;close\n\\\\/close\nsee /close\n/close/x\n## /users\n[no reply] (co-authored-by: x)",
    "no mentions": "\uff20octocat, #12 and ann@a5c3785ed8d6a35868bc169f07e40e889087fd2e",
    "line ends": "a\r\nb [x](https://ok.example/)\r\n",
}


@pytest.mark.parametrize("case", KEPT)
def test_the_rest_stays_byte_for_byte(case: str) -> None:
    assert out(KEPT[case]) == KEPT[case]


def test_the_changes_are_counted_by_host() -> None:
    _, changes = without_links("[a](https://evil.example/) ![b](https://evil.example/) <!-- c -->", is_named)
    assert (dict(changes.links), dict(changes.images), changes.tags) == ({"evil.example": 1}, {"evil.example": 1}, 1)


_EVIL = "https://evil.example/"
_PIECES = st.sampled_from(
    [
        *("[", "]", "(", ")", "![", "](", f"]({_EVIL})", f"[a]({_EVIL} 'b')", f"![i]({_EVIL}?d)", f"<{_EVIL}>", _EVIL),
        *(
            f"<img src='{_EVIL}'>",
            "<a href=//evil.example>",
            "</a>",
            f"<img\nsrc='{_EVIL}'\n>",
            f"<page url='{_EVIL}'>",
        ),
        *("`", "``", "```", "~~~", "~~~ a`b\n", "```mermaid\n", "\n", "\n\n", "\r\n", "> ", "- ", "1. ", "    ", "\t"),
        *(
            "|",
            "| a | b |\n|---|---|\n",
            f"[1]: {_EVIL}\n",
            f"[1]: <{_EVIL}> 't'\n",
            "[a][1]",
            "[1]",
            "![i][1]",
            "[^1]: ",
        ),
        *("www.evil.example", "*", "_", "~~", "\\", "&lt;", "&#58;", "&amp;", "<!--", "-->", "<?", "?>", "<![CDATA["),
        *(
            "<div>",
            "</div>",
            "<details>\n",
            "<summary>",
            "</summary>\n",
            "</details>\n",
            "<table>\n",
            "<tr>",
            "<td>",
            "</td>",
        ),
        *(
            "$",
            "$$",
            "$$\n",
            "text",
            " ",
            "http:&#47;&#47;evil.example/",
            "https:\\/\\/evil.example",
            "![r](//evil.example)",
        ),
        *(
            "[ok](https://ok.example/y)",
            "https://ok.example/",
            "<pre>",
            "</pre>",
            "<script>",
            "---\n",
            "# ",
            "é",
            "'",
            '"',
        ),
        *("<", "[m](mailto:x@evil.example?b=c)", f"![`]({_EVIL}`)", f"\n{_EVIL}\n", "[a]:", f"](<{_EVIL}q r>)", "\x0b"),
    ]
)
_AWAY = re.compile(r"(?!https://ok\.example|mailto:[^?]*$).*evil\.example", re.DOTALL)


def strangers(text: str) -> list[str]:
    """Return the addresses of the stranger that a text links or loads: as GitHub reads it, and as our client does."""
    return [url for url in (*rendered(text), *urls_in(blocks_of(text))) if _AWAY.match(url)]


@given(st.lists(_PIECES, max_size=25).map("".join))
@example("    ```\ntext\n```\n![x](https://evil.example/)\n```")
@example("`a\n![x](https://evil.example/)\nb`")
@example("$` $ [x](https://evil.example/) `")
@example("https://ok.example/[1]https:\\/\\/evil.example")
@example("![![a](https://evil.example/)](https://evil.example/)")
def test_whatever_comes_in_no_link_to_a_stranger_comes_out(text: str) -> None:
    after = out(text)
    assert strangers(after) == []
    assert out(after) == after, "a second time changes nothing"


def test_code_in_the_address_of_a_link_is_not_relied_on() -> None:
    assert "<a" not in out("[](`]([a](b 'c')<a href=//evil.example>)`")


LONG = {
    "brackets": "[" * 50_000,
    "images": "![" * 20_000 + "](https://evil.example/)" * 20_000,
    "references": "[a]: https://evil.example/\n" * 3_000,
    "emphasis": "*a **b _c " * 20_000,
    "attributes": "<a " + "b" * 200_000 + ">",
    "quotes": ">" * 100_000,
    "tags": "<a\n" * 80_000,
    "backticks": "".join("`" * size + " " for size in range(300)),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", LONG)
def test_a_text_made_to_take_long_takes_no_longer(case: str) -> None:
    begun = time.process_time()
    after = out(LONG[case] + " ![x](https://evil.example/)")
    assert time.process_time() - begun < 3
    assert "![x](https" not in after or after.startswith("```")


@pytest.mark.parametrize(
    ("table", "is_code"),
    [
        pytest.param("<tr><td>a & b<td>c & d<th>e</tr>", False, id="cells without ends"),
        pytest.param("<tr><td>[x<td>](https://evil.example/)</td></tr>", False, id="a link across a tag"),
        pytest.param(f"{'<td>' * 1000}{'a & b ' * 300}", False, id="many cells without ends"),
        pytest.param(f"{'<td>' * 1000}{'a & b ' * 300}</td>", True, id="many cells within each other"),
    ],
)
def test_cells_of_tags_are_read_wherever_they_end(table: str, is_code: bool) -> None:
    text, changes = without_links(f"<table>\n{table}\n", lambda place: False)
    assert changes.is_code == is_code
    assert "'link'" not in str(blocks_of(text))


def test_a_table_of_tags_that_never_end_is_shown_as_code() -> None:
    text, _ = without_links("<table>\n" + "<begin 644 a\n" * 600, lambda _address: False)
    assert text.startswith("```")
