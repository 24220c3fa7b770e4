from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from dashboard.base.plain import field_label, host_of, isolated, link_markdown, plain, plain_with_code
from tests.patience import PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Fix the login", "Fix the login", id="plain words stay"),
        pytest.param("**bold** _it_", r"\*\*bold\*\* \_it\_", id="emphasis"),
        pytest.param("![x](http://evil/x.png)", r"\!\[x\]\(http:color[]://evil/x\.png\)", id="image"),
        pytest.param("see https://a.b", r"see https:color[]://a\.b", id="web address"),
        pytest.param("WWW.evil.example", r"WWW:color[]\.evil\.example", id="web address without a scheme"),
        pytest.param("me@example.org", r"me@:color[]example\.org", id="mail address"),
        pytest.param("<img src=x>", r"\<img src\=x\>", id="html"),
        pytest.param("$a$", r"\$a\$", id="formula"),
        pytest.param("1. one\n# two", r"1\. one \# two", id="line breaks and headings"),
        pytest.param(":red[x]", r"\::color[]red\[x\]", id="colour"),
        pytest.param(":material/check:", r"\::color[]material/check:", id="icon"),
        pytest.param("a -> b", r"a \-:color[]\> b", id="arrow"),
        pytest.param("a -- b", r"a \-:color[]\- b", id="dash"),
        pytest.param("2026-11-20", r"2026\-11\-20", id="a date"),
        pytest.param("a & b", r"a \& b", id="entity"),
        pytest.param("日本語 ✓", "日本語 ✓", id="other scripts"),
        pytest.param("pay \u202eeno", r"pay \[U\+202E\]eno", id="a character that turns what follows"),
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Due (at most 5 days). Now!", "Due (at most 5 days). Now!", id="a sentence"),
        pytest.param("issue #5, R&D - snake_case", "issue #5, R&D - snake_case", id="marks that mean nothing there"),
        pytest.param("# not a heading", r"\# not a heading", id="heading"),
        pytest.param("- not a list", r"\- not a list", id="list"),
        pytest.param("12. not a list", r"12\. not a list", id="numbered list"),
        pytest.param("1) not a list", r"1\) not a list", id="numbered list with a bracket"),
        pytest.param("_a_ **b** `c` &amp;", r"\_a\_ \*\*b\*\* \`c\` \&amp;", id="marks"),
        pytest.param("![x](http://evil/x.png)", r"!\[x\](http:color[]://evil/x.png)", id="image"),
        pytest.param(":red[x] $a$", r"\::color[]red\[x\] \$a\$", id="colour and formula"),
    ],
)
def test_a_label_has_no_more_marks_than_it_takes(text: str, shown: str) -> None:
    assert field_label(text) == shown


@given(st.text(st.sampled_from("ab1 _*`[](){}#+-.!|~<>=&;\\\"'"), max_size=14))
@example("1986) x")
@example("a_b_c __d__")
@example("~~gone~~")
def test_a_label_is_read_as_nothing_but_text(text: str) -> None:
    parsed = (
        MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(field_label(text).replace(":color[]", ""))
    )
    words = " ".join(text.split())
    kinds = [child.type for one in parsed for child in one.children or ()]
    assert (["paragraph_open", "inline", "paragraph_close"] if words else []) == [one.type for one in parsed]
    assert set(kinds) <= {"text", "text_special"}
    assert "".join(child.content for one in parsed for child in one.children or ()) == words


@pytest.mark.parametrize(
    ("url", "host"),
    [
        pytest.param("https://github.com/acme/app", "github.com", id="https"),
        pytest.param("http://127.0.0.1:4100/x", "127.0.0.1:4100", id="port"),
        pytest.param("https://github.com@evil.example/x", "evil.example", id="a user name that looks like a host"),
        pytest.param("javascript:alert(1)", "", id="script"),
        pytest.param("data:text/html,x", "", id="data"),
        pytest.param("//evil.example/x", "", id="no scheme"),
        pytest.param("http://a:b:c", "", id="broken port"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_host_is_where_a_link_really_leads(url: str, host: str) -> None:
    assert host_of(url) == host


def test_a_link_shows_its_host_and_cannot_be_closed_early() -> None:
    shown = link_markdown("Issue](http://evil)", "https://github.com/a)b c")
    assert shown.startswith(r"[Issue\]\(http")
    assert "(https://github.com/a%29b%20c)" in shown
    assert r"github\.com" in shown


def test_what_is_no_web_address_is_no_link() -> None:
    assert "](" not in link_markdown("Open", "javascript:alert(1)")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Run `orchestra demo reset` first.", r"Run `orchestra demo reset` first\.", id="a command"),
        pytest.param("`--demo` is on", "`--demo` is on", id="at the beginning"),
        pytest.param("One ` alone", r"One \` alone", id="a single one"),
        pytest.param("Nothing: ` `", r"Nothing: \` \`", id="nothing between them"),
        pytest.param("**a** `**b**`", r"\*\*a\*\* `**b**`", id="marks that code shows as they are"),
    ],
)
def test_what_stands_between_backticks_is_code_and_all_else_as_it_is(text: str, shown: str) -> None:
    assert plain_with_code(text) == shown


def test_a_badge_escapes_text_from_outside_once() -> None:
    def page() -> None:
        from dashboard.base.plain import outside_badge

        outside_badge("me@example.org [x]", ":material/mail:", color="violet")

    [shown] = AppTest.from_function(page, default_timeout=PATIENCE_SECONDS).run().markdown
    assert shown.value == rf":violet-badge[:material/mail: {plain('me@example.org [x]')}]"


def test_a_name_that_runs_to_the_left_does_not_turn_the_sentence_around_it() -> None:
    hebrew = "דנה כהן"
    assert isolated(hebrew, f"**{hebrew}**") == f"\u2068**{hebrew}**\u2069"
    assert isolated("Dana Cohen", "**Dana Cohen**") == "**Dana Cohen**"
    assert "\u2069" not in plain(f"{hebrew}\u2069")
