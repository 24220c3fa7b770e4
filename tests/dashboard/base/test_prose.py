from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dashboard.base.prose import is_simple, prose_html
from tests.odd_strings import ODD_STRINGS
from tests.patience import PATIENCE_SECONDS

TAGS = set("p br h4 h5 h6 strong em s code pre hr ul ol li blockquote div table thead tbody tr th td a".split())
ATTRIBUTES = {
    "dir": {"auto"},
    "class": {"prose-table"},
    "tabindex": {"0"},
    "style": {"text-align:left", "text-align:right", "text-align:center"},
    "target": {"_blank"},
    "rel": {"noopener noreferrer"},
}
SECRET = "sk-1234"


class Page(HTMLParser):
    """What a browser makes of HTML: the words, and each link as (address, what is read of it)."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words, self.links, self.link = "", list[tuple[str, str]](), ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        given = dict(attrs)
        self.link = given.pop("href", None) or "" if tag == "a" else ""
        assert given.pop("start", "1").isdigit() if tag == "ol" else True  # type: ignore[union-attr]
        assert all(name in ATTRIBUTES and value in ATTRIBUTES[name] for name, value in given.items()), attrs

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.link:
            self.links.append((self.link, data))

    def handle_endtag(self, tag: str) -> None:
        self.link = "" if tag == "a" else self.link

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    handle_pi = unknown_decl = handle_comment


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param("**b** _i_ `c` ~~s~~", "<strong>b</strong> <em>i</em> <code>c</code> <s>s</s>", id="emphasis"),
        pytest.param("# One\n### Two", '<h4 dir="auto">One</h4><h6 dir="auto">Two</h6>', id="headings below ours"),
        pytest.param("a\nb", "a<br>b", id="lines stay lines"),
        pytest.param("- a\n- b", '<ul dir="auto"><li dir="auto">a</li><li dir="auto">b</li></ul>', id="list"),
        pytest.param("3. a", '<ol start="3"><li dir="auto">a</li></ol>', id="numbered list"),
        pytest.param("> q", '<blockquote dir="auto"><p dir="auto">q</p></blockquote>', id="quote"),
        pytest.param("```py\n<b>\n```", "<pre><code>&lt;b&gt;\n</code></pre>", id="block of code"),
        pytest.param("|a|\n|-:|\n|1|", '<td dir="auto" style="text-align:right">1</td>', id="table"),
    ],
)
def test_markdown_is_shown(text: str, html: str) -> None:
    assert html in prose_html(text)


@pytest.mark.parametrize(
    ("text", "links", "words"),
    [
        pytest.param(
            "[Your bank](https://evil.example/?q=sk-1234)",
            ["https://evil.example/?q=sk-1234"],
            "Your bank https://evil.example/?q=sk-1234",
            id="a link shows all of its address",
        ),
        pytest.param(
            "[https://bank.example](https://evil.example)",
            ["https://evil.example"],
            "https://bank.example https://evil.example",
            id="a label that reads as another address is not a link",
        ),
        pytest.param("<https://a.example/b>", ["https://a.example/b"], "https://a.example/b", id="in brackets"),
        pytest.param("At https://a.example/b.", ["https://a.example/b"], "At https://a.example/b.", id="in words"),
        pytest.param("[m](mailto:a@b.example)", ["mailto:a@b.example"], "m mailto:a@b.example", id="mail"),
        pytest.param(
            "[x](https://exämple.example)", ["https://xn--exmple-cua.example"], "x https://xn--exmple-cua.example",
            id="a host of other letters",
        ),
        pytest.param(
            "[![a](https://e.example/i.png)](https://x.example)", ["https://x.example"],
            "![a](https://e.example/i.png) https://x.example", id="a picture as a label",
        ),
        pytest.param("![a](https://evil.example/x.png?q=sk-1234)", [], "![a](https://evil.example/x.png?q=sk-1234)",
                     id="picture"),
        pytest.param("[x](//evil.example)", [], "x (//evil.example)", id="no scheme"),
        pytest.param("[x](/settings)", [], "x (/settings)", id="a page of ours"),
        pytest.param("[x](javascript:harm)", [], "[x](javascript:harm)", id="script"),
        pytest.param("[x](https://bank.example@evil.example)", [], "x (https://bank.example@evil.example)",
                     id="a user that reads as a host"),
        pytest.param("https://%65vil.example", [], "https://%65vil.example", id="a host in code"),
        pytest.param("[x](https://a.example:99999)", [], "x (https://a.example:99999)", id="no port"),
        pytest.param("[1]: https://a.example\n\n[x][1]", ["https://a.example"], "[1]: https://a.example[x][1]",
                     id="an address elsewhere"),
        pytest.param("<b onclick=x>**a**</b>", [], "<b onclick=x>a</b>", id="tags"),
        pytest.param("<div>\n**a**\n</div>", [], "<div>a</div>", id="a block of tags"),
        pytest.param("&lt;b&gt; &#x202e;", [], "<b> [U+202E]", id="entities"),
        pytest.param("pay \u202eeno\u200b", [], "pay [U+202E]eno[U+200B]", id="characters that nobody sees"),
        pytest.param(":red[a] $b$ :material/check: :smile: a -> b", [], ":red[a] $b$ :material/check: :smile: a -> b",
                     id="marks of Streamlit"),
        pytest.param('<div class="prose">', [], '<div class="prose">', id="the frame cannot be imitated"),
    ],
)  # fmt: skip
def test_a_link_is_what_is_read_and_nothing_else_is_alive(text: str, links: list[str], words: str) -> None:
    page = Page(prose_html(text))
    assert page.links == [(one, one) for one in links]
    assert page.words == words


@pytest.mark.parametrize("text", ODD_STRINGS)
def test_odd_strings_are_harmless(text: str) -> None:
    assert all(address == shown for address, shown in Page(prose_html(text)).links)


def test_a_text_that_takes_long_to_read_is_shown_as_it_is() -> None:
    """markdown-it looks behind each bracket for its end: 12,000 letters of these would stop the page for seconds."""
    assert prose_html("![" * 6_000) == f"<pre><code>{'![' * 6_000}</code></pre>"


@given(st.text(st.sampled_from("ab1 _*[](){}#+-.!|>:/\\<&;\n") | st.characters(), max_size=40))
@example("> " * 80 + "a")
@example("- " * 40 + "a")
@example("[a](https://b" + "*" * 20)
@example("![![![a](b)](c)](d)")
@example("*" * 200 + "a" + "*" * 200)
def test_no_letter_of_a_text_is_lost(text: str) -> None:
    page = Page(prose_html(text))
    assert all(address == shown for address, shown in page.links)
    if text.isascii() and "&" not in text and '"' not in text and "'" not in text and "~" not in text:
        assert sum(page.words.count(one) for one in "abc") >= sum(text.count(one) for one in "abc")


@pytest.mark.parametrize(
    ("text", "simple"),
    [("One line, as it is.", True), ("", True), ("a\nb", False), ("**a**", False), ("a https://b.example", False)],
)
def test_a_line_without_marks_is_simple(text: str, *, simple: bool) -> None:
    assert is_simple(text) is simple


def test_a_switch_shows_the_exact_text() -> None:
    def page() -> None:
        from dashboard.base.prose import outside_answer

        outside_answer("**a**\u200b :red[b]", "k")

    at = AppTest.from_function(page, default_timeout=PATIENCE_SECONDS).run()
    [shown] = at.get("html")
    assert "<strong>a</strong>[U+200B] :red[b]" in str(shown.proto.body)
    at.toggle(key="as-text-k").set_value(True).run()
    assert [one.value for one in at.code] == ["**a**[U+200B] :red[b]"]
    assert not at.get("html")
    assert not at.exception
