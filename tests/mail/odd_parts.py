"""Odd mails: their parts, and HTML."""

from __future__ import annotations

import base64
from functools import partial

from tests.mail.odd_bodies import Odd, b64, html, note, parts

ODD: Odd = {}
odd = partial(note, ODD)

# Parts: what is text, what is a file, and which of several texts is read.

_TEXT = "Content-Type: text/plain\n\nwords"
_HTML = "Content-Type: text/html\n\n<p>rich</p>"
_CALENDAR = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nSUMMARY:Lunch\nEND:VCALENDAR"
_PICTURE = f"Content-Type: image/png\nContent-ID: <a>\nContent-Transfer-Encoding: base64\n\n{b64(bytes(9))}"

odd(
    "winmail.dat",
    parts("mixed", _TEXT, "Content-Type: application/ms-tnef; name=winmail.dat\n\nx"),
    text="words",
    names=["winmail.dat"],
)
odd(
    "nothing but winmail.dat",
    "Subject: s\nContent-Type: application/ms-tnef; name=winmail.dat\n\nx",
    names=["winmail.dat"],
    text_missing="The mail has no text, only application/ms-tnef.",
)
odd(
    "an rtfd of Apple Mail",
    parts(
        "mixed",
        _TEXT,
        "Content-Type: application/rtf; name=a.rtfd\nContent-Disposition: inline; filename=a.rtfd\n\nx",
        "Content-Type: text/plain\n\nmore",
    ),
    text="words\n\nmore",
    names=["a.rtfd"],
)
odd(
    "Apple Mail, HTML around a file",
    parts(
        "alternative",
        _TEXT,
        parts("mixed", _HTML, "Content-Type: application/pdf; name=a.pdf\n\nx", _HTML)
        .partition(b"\n")[2]
        .replace(b"XX", b"YY"),
    ),
    text="words",
    names=["a.pdf"],
)
odd(
    "a root that is not the first",
    parts("related", _PICTURE, "Content-ID: <r>\n" + _HTML, more='; start="<r>"'),
    text="rich",
    names=["image.png"],
)
odd(
    "a style sheet beside HTML",
    parts("related", _HTML, "Content-Type: text/css\n\np { color: red }"),
    text="rich",
    names=["text.css"],
)
odd(
    "an invitation as an alternative", parts("alternative", _TEXT, _HTML, _CALENDAR), text="words", names=["invite.ics"]
)
odd(
    "an invitation beside text",
    parts("mixed", _TEXT, _CALENDAR.replace("text/calendar;", 'text/calendar; name="invite.ics";')),
    text="words",
    names=["invite.ics"],
)
odd(
    "nothing but an invitation",
    f"Subject: s\n{_CALENDAR}",
    text="BEGIN:VCALENDAR\nSUMMARY:Lunch\nEND:VCALENDAR",
    text_missing="",
    names=["invite.ics"],
)
odd(
    "a card beside text",
    parts("mixed", _TEXT, "Content-Type: text/x-vcard; charset=utf-8\n\nBEGIN:VCARD"),
    text="words",
    names=["contact.vcf"],
)
odd(
    "two texts that are called alternatives",
    parts("alternative", _TEXT, "Content-Type: text/plain\n\na footer"),
    text="words\n\na footer",
)
odd(
    "two pieces of HTML as alternatives",
    parts("alternative", _HTML, "Content-Type: text/html\n\n<p>and more</p>"),
    text="rich\n\nand more",
)
odd("the same text twice as alternatives", parts("alternative", _TEXT, _TEXT), text="words")
odd("AMP beside HTML", parts("alternative", "Content-Type: text/x-amp-html\n\n<html amp4email>", _HTML), text="rich")
odd("nothing but AMP", parts("alternative", "Content-Type: text/x-amp-html\n\n<p>words</p>"), text="words")
odd("watch HTML of Apple", parts("alternative", "Content-Type: text/watch-html\n\n<b>short</b>", _TEXT), text="words")
odd("enriched text", "Content-Type: text/enriched\n\n<bold>Hello</bold> a << b", first="<bold>Hello</bold> a << b")
odd(
    "a part that is a mail",
    parts("mixed", _TEXT, "Content-Type: message/rfc822\n\nSubject: inner\n\nnot ours"),
    text="words\n\n---------- Forwarded message ---------\nSubject: inner\n\nnot ours",
    names=["inner.eml"],
)
odd(
    "a digest",
    parts("digest", "\nSubject: one\n\nfirst", "Content-Type: message/rfc822\n\nSubject: two\n\nsecond"),
    names=["one.eml", "two.eml"],
    first="---------- Forwarded message ---------",
    last="second",
    text_missing="",
)
odd(
    "a bounce",
    parts(
        "report",
        "\nIt came back.",
        "Content-Type: message/delivery-status\n\nStatus: 5.1.1",
        "Content-Type: message/rfc822\n\nSubject: x\n\ny",
        more="; report-type=delivery-status",
    ),
    text="It came back.",
    names=["delivery-status.txt", "x.eml"],
)
odd(
    "a bounce with headers",
    parts("report", "\nIt came back.", "Content-Type: text/rfc822-headers\n\nSubject: x"),
    first="It came back.",
    last="Subject: x",
)
odd(
    "a read receipt",
    parts(
        "report",
        "\nIt was read.",
        "Content-Type: message/disposition-notification\n\nDisposition: x",
        more="; report-type=disposition-notification",
    ),
    text="It was read.",
    names=["read-receipt.txt"],
)
odd(
    "S/MIME, signed",
    parts("signed", _TEXT, "Content-Type: application/pkcs7-signature; name=smime.p7s\n\nx"),
    text="words",
    names=["smime.p7s"],
)
odd(
    "S/MIME, encrypted",
    "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\nx",
    text_missing="The mail is encrypted for its recipient: open it in a mail program that has the key.",
    names=["smime.p7m"],
)
odd(
    "S/MIME, signed in one piece",
    "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n\nx",
    text_missing="The mail holds no signed content that can be read.",
    names=["smime.p7m"],
)
odd(
    "PGP/MIME, encrypted",
    parts(
        "encrypted",
        "Content-Type: application/pgp-encrypted\n\nVersion: 1",
        "Content-Type: application/octet-stream; name=encrypted.asc\n\nx",
    ),
    text_missing="The mail is encrypted for its recipient: open it in a mail program that has the key.",
    names=["unnamed", "encrypted.asc"],
)
odd(
    "PGP within the text",
    "\n-----BEGIN PGP SIGNED MESSAGE-----\n\nhello\n-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----",
    text="hello",
)
odd(
    "a boundary that begins like another",
    parts("mixed", parts("mixed", _TEXT).partition(b"\n")[2].replace(b"XX", b"XX1"), "\nmore"),
    text="words\n\nmore",
)
odd(
    "the same boundary within",
    "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nwords",
    text="words",
)
odd("no boundary is named", "Content-Type: multipart/mixed\n\n--b\n\nwords\n--b--\n", text="--b\n\nwords\n--b--")
odd("a boundary that does not occur", "Content-Type: multipart/mixed; boundary=a\n\nwords", text="words")
odd("a multipart that is empty", "Content-Type: multipart/mixed; boundary=a\n\n--a--\n", text="--a--")
odd(
    "parts that are base64 as a whole",
    "Content-Type: multipart/mixed; boundary=a\nContent-Transfer-Encoding: base64\n\n" + b64("--a\n\nwords\n--a--\n"),
    text="--a\n\nwords\n--a--",
)
odd("a part without an empty line", parts("mixed", "Content-Type: text/plain\nwords"), text="words")
odd("a boundary with blanks behind it", parts("mixed", _TEXT).replace(b"--XX\n", b"--XX \t\n"), text="words")
odd("a boundary in small letters", parts("mixed", _TEXT).replace(b"boundary=XX", b"BOUNDARY = XX"), text="words")
odd("a body that has a name", 'Subject: s\nContent-Type: text/plain; name="body.txt"\n\nwords', text="words")
odd(
    "a body that is attached",
    "Subject: s\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nwords",
    names=["a.txt"],
)
odd("text of a type that nobody knows", "Content-Type: text/x-own\n\nwords", text="words")
odd("a type of one word", "Content-Type: text\n\nwords", text="words")
odd("a type without a value", "Content-Type:\n\nwords", text="words")
odd("two types", "Content-Type: text/plain\nContent-Type: text/html\n\nwords", text="words")
odd(
    "part of a mail",
    "Subject: s\nContent-Type: message/partial; id=a; number=1\n\nwords",
    names=["unnamed"],
    text_missing="The mail has no text of its own, only 1 attached file.",
)
odd(
    "a body elsewhere",
    parts(
        "mixed",
        _TEXT,
        'Content-Type: message/external-body; access-type=URL; URL="http://a.example/"\n\nContent-Type: image/png\n\n',
    ),
    text="words",
    names=["unnamed"],
)

# Stubs beside HTML.

_BODY = "Content-Type: text/html\n\n<h1>Your invoice</h1><p>Please pay 12.50 by Friday.</p><a href='http://a.example/v'>Open</a>"
_READ = "# Your invoice\n\nPlease pay 12.50 by Friday.\n\n[Open](http://a.example/v)"
for stub in (
    "Your email client does not support HTML.",
    "This message is in HTML format. Please use a mail program that can display HTML.",
    "View this email in your browser: http://a.example/v",
    "View in browser\nhttp://a.example/v",
    "Your invoice",
    "-- \n",
    "Ihr E-Mail-Programm kann leider keine HTML-Mails anzeigen.",
    "Si vous ne pouvez pas lire ce message, ouvrez-le dans votre navigateur.",
    "Si no puede ver este mensaje correctamente, haga clic aquí para verlo en su navegador.",
    "[image: logo.png]",
    "Votre messagerie ne permet pas d'afficher le HTML.",
    "このメールはHTML形式で送信されています。",
    "Если письмо отображается некорректно, откройте его в браузере.",
):
    odd(
        f"a stub: {stub[:30]!r}",
        parts("alternative", f"Content-Type: text/plain; charset=utf-8\n\n{stub}", _BODY),
        text=_READ,
    )
odd(
    "a stub with an address of its own",
    parts("alternative", "\nView in browser: http://a.example/other", _BODY),
    text=f"View in browser: http://a.example/other\n\n{_READ}",
)
odd(
    "a stub with words of its own",
    parts("alternative", "\nYour code is 1234.\nYour client does not support HTML.", _BODY),
    text=f"Your code is 1234.\nYour client does not support HTML.\n\n{_READ}",
)
odd(
    "an address that only the plain text has",
    parts("alternative", "\nhttp://a.example/other", _BODY),
    text=f"http://a.example/other\n\n{_READ}",
)
odd("a short text that is no stub", parts("alternative", "\nYour code is 1234.", _BODY), text="Your code is 1234.")
odd(
    "a short text that speaks of HTML",
    parts("alternative", "\nThe HTML of the page is ready.", _BODY),
    text="The HTML of the page is ready.",
)
odd(
    "a stub beside nothing",
    parts("alternative", "\nYour client does not support HTML.", "Content-Type: text/html\n\n<img src=x>"),
    text="Your client does not support HTML.",
)

# HTML.

odd(
    "a hidden preheader", html('<div style="display:none;max-height:0">PRE&zwnj;&nbsp;</div><p>words</p>'), text="words"
)
odd("a less-than sign at the end", html("<p>if a < b then call me"), text="if a < b then call me")
odd("a less-than sign in the middle", html("<p>5 < 6</p><p>and 7 <8"), text="5 < 6\n\nand 7 <8")
odd("a heart at the end", html("<p>love you <3"), text="love you <3")
odd("a tag that is torn", html("<p>words</p><img src='x"), text="words")
odd("a comment with a bang", html("a<!-- x --!>b<p>c</p>"), text="ab\n\nc")
odd("a comment of two signs", html("a<!-->b<!--->c"), text="abc")
odd("a comment within a comment", html("a<!-- <!-- x --> b"), text="a b")
odd(
    "conditional comments",
    html("<!--[if mso]><p>no</p><![endif]--><!--[if !mso]><!--><p>yes</p><!--<![endif]-->"),
    text="yes",
)
odd("a conditional comment for all", html("<![if !vml]><p>yes</p><![endif]>"), text="yes")
odd("CSS in a body", html("<style>p{color:red}</style><p>words</p>"), text="words")
odd("words for readers without scripts", html("<noscript>words</noscript>"), text="words")
odd(
    "nothing but pictures",
    html("<a href='http://a.example/'><img alt='Your invoice' src=x></a><img alt='12.50' src=y>"),
    first="[Your invoice](http://a.example/)",
)
odd("a picture without words", html("<img src=x>"), text="", text_missing="The mail's HTML has no visible text.")
odd(
    "a picture that leads somewhere",
    html("<p>Pay here:</p><a href='http://a.example/'><img alt='Pay' src=x></a>"),
    text="Pay here:\n\n[Pay](http://a.example/)",
)
odd(
    "entities of all kinds",
    html("&amp;lt; &#8364; &#x20AC; &euro; &nosuch; &#0; &#128; AT&T"),
    text="&lt; € € € &nosuch; \ufffd € AT&T",
)
odd("words of Word", html("<o:p>words</o:p><p class=MsoNormal>more<o:p>&nbsp;</o:p></p>"), text="words\n\nmore")
odd(
    "an XHTML mail",
    html('<?xml version="1.0"?><!DOCTYPE html><html xmlns="x"><body><p>a<br/>b</p></body></html>'),
    first="a",
    last="b",
)
odd("words after the end", html("<html><body><p>a</p></body></html><p>footer</p>"), text="a\n\nfooter")
odd("a base and a form", html("<form>Name: <textarea>Ann</textarea><button>Go</button></form>"), text="Name: AnnGo")
odd(
    "HTML in UTF-16 by its mark",
    b"Content-Type: text/html; charset=utf-16\nContent-Transfer-Encoding: base64\n\n"
    + base64.b64encode("<p>Grüße".encode("utf-16")),
    text="Grüße",
)
odd(
    "HTML whose header and meta differ",
    "Content-Type: text/html; charset=utf-8\n\n<meta charset=iso-8859-1><p>Grüße",
    text="Grüße",
)
odd("preformatted text", html("<pre>a\n  b\n</pre>"), first="```", last="```")
odd("an old quote", html("<p>mine</p><blockquote type=cite>yours</blockquote>"), text="mine\n\n> yours")
odd("deleted and inserted", html("<p><del>old</del> <ins>new</ins></p>"), text="~~old~~ new")
odd("a right to left override", html("<p>a&#8238;b&#8236;c</p>"), text="abc")
