"""HTML mails as text: what a reader sees stays, what hides goes, and nothing is too broken to read."""

from __future__ import annotations

import pytest

from clients.mail.html import tidy, visible_text, visible_tree
from tests.patience import costs_less


@pytest.mark.parametrize(
    ("html", "text"),
    [
        pytest.param("<p>Hello <b>you</b></p>", "Hello **you**", id="bold"),
        pytest.param(
            '<a href="https://a.example/x">See</a>', "[See](https://a.example/x)", id="a link keeps its address"
        ),
        pytest.param(
            '<a href="mailto:Ann@a.example">ann@a.example</a>', "ann@a.example", id="an address is not a link"
        ),
        pytest.param('<a href="mailto:b@b.example">a@a.example</a>', "[a@a.example](mailto:b@b.example)", id="another"),
        pytest.param("<ul><li>one</li><li>two</li></ul>", "* one\n* two", id="a list"),
        pytest.param("a &lt; b &amp;nbsp; &#x1F600;", "a < b &nbsp; 😀", id="entities, once"),
        pytest.param("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc", id="layout tables"),
        pytest.param("<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a b\n1 2", id="cells without end tags"),
        pytest.param("<ul><li>a<ul><li>b<li>c</ul><li>d</ul>", "* a\n  + b\n  + c\n* d", id="a list without end tags"),
        pytest.param("<p hidden>no<p>a<div>b</div>", "a\n\nb", id="paragraphs without end tags"),
        pytest.param("<table><tr><td>a<table><tr><td>b</table><td>c</table>", "a\n\nb c", id="a table in a cell"),
        pytest.param(
            "<table><tr><td><h1>a</h1><p>b</p>c<br>d</td></tr><tr><td><p>e</p><td>f</table>",
            "# a\n\nb\n\nc\nd\ne f",
            id="lines in a cell",
        ),
        pytest.param("snake_case and 2*3", "snake_case and 2*3", id="no escapes"),
        pytest.param("Hi<img src='https://track.example/p.gif' alt='open me'>", "Hi", id="pictures go"),
        pytest.param("<blockquote>earlier</blockquote>", "> earlier", id="quotes stay"),
        pytest.param("", "", id="empty"),
        pytest.param("<p>never closed <b>at all", "never closed **at all**", id="never closed"),
        pytest.param("<<<>>><p>odd", "odd", id="nonsense before"),
        pytest.param("<ol start=3><li>a<p>b</p><li><li>c</ol>", "3. a\n\n   b\n5. c", id="a list with numbers"),
        pytest.param('<ol start="½"><li>a<li>b</ol>', "1. a\n2. b", id="a list that begins with no number"),
        pytest.param("<pre>\n \n  a \n\n  b \n </pre>", "```\n  a\n\n  b\n```", id="preformatted text"),
        pytest.param("a \t b \r\n \t c", "a b\nc", id="runs of blanks"),
        pytest.param("<![odd <p>a</p><p>b</p>", "a\n\nb", id="a declaration that nobody knows"),
        pytest.param("<!--[if mso]><p>no</p><![endif]--><p>yes</p>", "yes", id="words for Outlook only"),
        pytest.param("<![if !mso]><p>yes</p><![endif]>", "yes", id="words for all but Outlook"),
    ],
)
def test_html_becomes_readable_text(html: str, text: str) -> None:
    assert visible_text(html).removeprefix("<<<>>>").strip() == text


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param("<script>BAD</script>", id="script"),
        pytest.param("<style>.x{color:BAD}</style>", id="style"),
        pytest.param("<title>BAD</title>", id="title"),
        pytest.param("<template>BAD</template>", id="template"),
        pytest.param("<!-- BAD -->", id="comment"),
        pytest.param("<!--[if mso]><p>BAD</p><![endif]-->", id="conditional comment"),
        pytest.param('<div style="display:none">BAD</div>', id="display none"),
        pytest.param('<div style="DISPLAY : NONE !important">BAD</div>', id="display none, shouted"),
        pytest.param('<div style="color:red;visibility:hidden">BAD</div>', id="visibility"),
        pytest.param('<p style="font-size:0">BAD</p>', id="no size"),
        pytest.param('<p style="font-size:0.0px;color:red">BAD</p>', id="no size in pixels"),
        pytest.param('<p style="color:#fff;font-size:1px">BAD</p>', id="one pixel"),
        pytest.param('<p style="opacity:0">BAD</p>', id="transparent"),
        pytest.param('<p style="max-height:0;overflow:hidden">BAD</p>', id="no height"),
        pytest.param('<p style="mso-hide:all">BAD</p>', id="hidden from Outlook"),
        pytest.param('<p style="text-indent:-9999px">BAD</p>', id="far left"),
        pytest.param('<p style="position:absolute;left:-9999px">BAD</p>', id="off the page"),
        pytest.param("<p hidden>BAD</p>", id="hidden attribute"),
        pytest.param("<style>.pre{display:none}</style><p class=pre>BAD</p>", id="hidden by class"),
        pytest.param(
            "<style>/* } */ #a , .b { font-size:0px }</style><p id=a>BAD</p>", id="hidden by id, after a comment"
        ),
        pytest.param("<svg><text>BAD</text></svg>", id="drawing"),
    ],
)
def test_what_a_reader_does_not_see_is_left_out(hidden: str) -> None:
    assert visible_text(f"<html><body><p>Hello</p>{hidden}<p>Bye</p></body></html>") == "Hello\n\nBye"


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param('<p style="font-size:0.9em">GOOD</p>', id="small"),
        pytest.param('<p style="font-size:10px">GOOD</p>', id="ten pixels"),
        pytest.param('<p style="opacity:0.5">GOOD</p>', id="half transparent"),
        pytest.param('<p style="padding-left:-100px">GOOD</p>', id="padding"),
        pytest.param("<style>@media print {.a{display:none}}</style><p class=a>GOOD</p>", id="hidden in print only"),
        pytest.param("<style>a:hover{display:none} }}}{{</style><p>GOOD</p>", id="selectors that are not known"),
    ],
)
def test_what_a_reader_sees_stays(shown: str) -> None:
    assert visible_text(shown) == "GOOD"


def test_characters_without_width_go_and_joined_letters_stay() -> None:
    assert tidy("pass\u200bword \u202eevil\u202c \U000e0041x") == "password evil x"
    assert tidy("می\u200cخواهم 👩\u200d👩") == "می\u200cخواهم 👩\u200d👩"


@pytest.mark.parametrize(
    "html",
    [
        pytest.param("<div>" * 5_000 + "deep" + "</div>" * 5_000, id="nested deep"),
        pytest.param("<style>" + "a" * 300_000 + "</style>deep", id="a style sheet of one word"),
        pytest.param("<style>" + "/*" * 100_000 + "</style>deep", id="comments that never end"),
        pytest.param("<style>" + "@" * 300_000 + "</style>deep", id="at signs"),
        pytest.param('<p style="' + "display " * 50_000 + '">deep</p>', id="a style that says nothing"),
    ],
)
def test_hostile_html_is_read_in_good_time(html: str) -> None:
    assert costs_less(20, lambda: visible_text(html)) == "deep"


@pytest.mark.slow
@pytest.mark.parametrize("depth", [5, 35, 200])
@pytest.mark.parametrize("void", ["<br>", "<BR >", "<img src=a/>", "<hr class='a>b'>"])
def test_thousands_of_nested_lines_are_read_in_one_pass(depth: int, void: str) -> None:
    """The parser must not look for the end of each element among all of those that need none."""
    nest = f"<div>{void}w " * depth + "</div>" * depth
    html = nest * (59_000 // (3 * depth))
    assert costs_less(2.5, lambda: visible_text(html)).split().count("w") == html.count("w ")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        pytest.param('<p>a</p><p title="a <!-- b">b</p><p>c</p>', "a\n\nb\n\nc", id="in quotes"),
        pytest.param('<p>a</p><p title="a <? b">b</p><p>c</p>', "a\n\nb\n\nc", id="declaration in quotes"),
        pytest.param("<p>a</p><script>if (a<!--b) c()</script><p>c</p>", "a\n\nc", id="in a script"),
        pytest.param("<title>a <!-- b</title><p>c</p>", "c", id="in a title"),
        pytest.param("<textarea><b>a</b> <!-- b</textarea><p>c</p>", "<b>a</b> <!-- b\n\nc", id="in a field"),
        pytest.param("<p>a</p><!-- b --><p>c</p><!-- d", "a\n\nc", id="real ones"),
        pytest.param("<style><!-- .h{display:none} --></style><p class=h>a</p>c", "c", id="around a style sheet"),
        pytest.param("<p style='display:/**/none'>a</p>c", "c", id="in a style"),
    ],
)
def test_only_what_is_a_comment_for_a_browser_is_left_out(html: str, text: str) -> None:
    assert visible_text(html) == text


@pytest.mark.parametrize("line", ["<br>", "<br/>", "<br />", "<br clear=all>", "<BR CLEAR='a>b'>", "<br><wbr>"])
def test_what_needs_no_end_has_none(line: str) -> None:
    assert visible_text(f"<p>a{line}b<b>c</b></p>d").split() == ["a", "b**c**", "d"]
    assert visible_text("<a href=https://x.example/><img alt=b src=https://x.example/>") == "[b](https://x.example/)"
    assert str(visible_tree('<br/><img src="x"/><img src=x/><hr / >')) == '<br/><img src="x"/><img src="x/"/><hr/>'


def test_of_two_attributes_of_one_name_the_first_counts() -> None:
    assert visible_text('<p style="display:none" style="">a</p><p style="" style="display:none">b</p>') == "b"
    assert visible_text('<a href="https://a.example/" href="https://b.example/">c</a>') == "[c](https://a.example/)"


@pytest.mark.slow
@pytest.mark.parametrize("part", ["<!--", '<a b="', "<a b=\"'><", "<title>", "<style>", "<p a= ", "<p <<<<"])
def test_marks_without_an_end_are_read_in_one_pass(part: str) -> None:
    costs_less(5, lambda: visible_text(part * 59_000))


def test_a_cell_cannot_pretend_to_be_others() -> None:
    table = "<table><tr><th>account<th>who<tr><td>DE00%sACME%sDE99<td>x</table>"
    told = {visible_text(table % marks) for marks in (("", ""), ("&#xFDD1;", "&#64976;"), ("\ufdd1", "\ufdd0"))}
    assert len(told) == 1
