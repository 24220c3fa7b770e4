"""Pictures in the text of a mail: attached ones are shown in their places, and nothing else is put in."""

from __future__ import annotations

import pytest

from clients.mail.outgoing import File, OutgoingMail, as_bytes, build
from clients.mail.parts import nothing_left_out
from clients.mail.pictures import PicturedMail, pictured
from clients.mail.raw import payload_of
from clients.mail.rendered import html_of
from clients.mail.text import read_mail

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CHART, LOGO, OFFER = File("chart.png", PNG), File("my logo.jpg", PNG, "image/jpeg"), File("offer.pdf", b"%PDF")
MARKER = "m" * 32


def mail(text: str, *files: File) -> OutgoingMail:
    return OutgoingMail(["ann@example.org"], subject="May", text=text, files=files, html=html_of(text))


def shown(written: OutgoingMail, marker: str = MARKER) -> PicturedMail[File]:
    return pictured(written.text, written.html, written.files, marker)


def test_a_picture_is_part_of_the_text_and_its_words_are_in_the_plain_one() -> None:
    built = build(mail("Sales:\n\n![Sales in May](chart.png)", CHART, OFFER), "me@x.example", MARKER, None, None)
    plain = built.get_body(("plain",))
    assert plain is not None
    assert "[Sales in May]" in plain.get_content()
    assert "chart.png" not in plain.get_content()
    related = next(part for part in built.walk() if part.get_content_type() == "multipart/related")
    html, picture = list(related.iter_parts())
    cid = str(picture["Content-ID"]).strip("<>")
    assert f'src="cid:{cid}"' in html.get_content()
    assert (picture.get_content(), picture.get_content_disposition()) == (PNG, "inline")
    read = read_mail(payload_of(as_bytes(built)), nothing_left_out)
    assert [(one["name"], one["inline"]) for one in read["attachments"]] == [("chart.png", True), ("offer.pdf", False)]


def test_it_is_the_same_mail_whenever_it_is_built_again() -> None:
    once, twice = (shown(mail("![a](chart.png)", CHART)) for _ in range(2))
    assert once == twice
    assert once.shown[0].content_id != shown(mail("![a](chart.png)", CHART), "n" * 32).shown[0].content_id


@pytest.mark.parametrize(
    "address", ["chart.png", "cid:chart.png", "<chart.png>"], ids=["its name", "cid", "in brackets"]
)
def test_ways_to_name_a_picture(address: str) -> None:
    found = shown(mail(f"![Sales]({address})", CHART))
    assert [one.file for one in found.shown] == [CHART]
    assert found.text == "[Sales]"


def test_a_picture_that_is_passed_on_takes_no_place() -> None:
    theirs = File("chart.png", PNG + b"theirs", is_passed_on=True)
    found = shown(mail("![Sales](chart.png)", theirs, CHART))
    assert ([one.file for one in found.shown], found.files) == ([CHART], [theirs])
    alone = shown(mail("![Sales](chart.png)", theirs))
    assert (alone.shown, alone.files, alone.text) == ([], [theirs], "![Sales](chart.png)")


def test_names_with_blanks_and_pictures_without_words() -> None:
    found = shown(mail("![](my%20logo.jpg)", LOGO))
    assert ([one.media_type for one in found.shown], found.text) == (["image/jpeg"], "[my logo.jpg]")


def test_own_html_names_them_as_well() -> None:
    own = OutgoingMail(["a@b.example"], text="x", files=[CHART], html="<p><img alt='a' src='cid:chart.png'></p>")
    assert len(shown(own).shown) == 1


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://evil.example/p.png)",
        "![x](//evil.example/chart.png)",
        "![x](https://evil.example/chart.png)",
        "![x](file:///etc/passwd)",
        "![x](../chart.png)",
        "![x](/etc/chart.png)",
        "![x](other.png)",
        "`![x](chart.png)`",
    ],
)
def test_other_addresses_put_nothing_in(text: str) -> None:
    found = shown(mail(text, CHART))
    assert (found.shown, found.files) == ([], [CHART])


def test_a_picture_that_is_not_attached_is_its_words() -> None:
    found = shown(mail("![Sales <in> May](cid:gone.png)"))
    assert "<img" not in found.html
    assert "Sales &lt;in&gt; May" in found.html


@pytest.mark.parametrize("file", [File("chart.svg", b"<svg onload='x'/>"), File("chart.png", b"x", "text/html")])
def test_only_pictures_are_shown(file: File) -> None:
    assert shown(mail(f"![x]({file.name})", file)).shown == []


def test_a_plain_mail_has_attachments_alone() -> None:
    plain = OutgoingMail(["a@b.example"], text="![x](chart.png)", files=[CHART])
    assert (shown(plain).shown, shown(plain).text) == ((), "![x](chart.png)")
