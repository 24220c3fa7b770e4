"""Odd mails: their headers, and the names of their files."""

from __future__ import annotations

from functools import partial

from tests.mail.odd_bodies import Odd, note, parts

ODD: Odd = {}
odd = partial(note, ODD)


def head(*lines: str | bytes) -> bytes:
    """Write a mail of headers and one word."""
    return b"\n".join(line.encode() if isinstance(line, str) else line for line in lines) + b"\n\nwords"


for name, value, subject in (
    ("in a comment", "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
    ("with blanks encoded", "=?ISO-8859-1?Q?a_?= =?ISO-8859-1?Q?b?=", "a b"),
    ("in two charsets", "=?utf-8?Q?=C3=BC?= =?koi8-r?B?8NLJ18XU?=", "üПривет"),
    ("with a language", "=?utf-8*en?q?hello?=", "hello"),
    ("with blanks in it", "=?utf-8?Q?hello world?=", "hello world"),
    ("without blanks between", "=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"),
    ("within a word", "x=?utf-8?q?=C3=BC?=y", "xüy"),
    ("that are empty", "a =?utf-8?q??= b", "a b"),
    ("torn in a letter", "=?utf-8?B?w7w=?= =?utf-8?B?ww==?= =?utf-8?B?vA==?=", "üü"),
    ("padded in the middle", "=?utf-8?B?SGVsbG8=IHdvcmxk?=", "Hello world"),
    ("of base64url", "=?utf-8?B?w7_Dvj8-?=", "ÿþ?>"),
    ("with a question mark as it is", "=?utf-8?Q?why??=", "why?"),
    ("in quotes", '"=?utf-8?q?=C3=BC?="', '"ü"'),
    ("with a line end in it", "=?utf-8?q?a=0D=0ABcc:_x@y.example?=", "a Bcc: x@y.example"),
    ("that name no charset", "=??q?a?=", "=??q?a?="),
    ("that are not closed", "=?utf-8?q?abc", "=?utf-8?q?abc"),
    ("with a bad sign", "=?utf-8?q?50=%?=", "50=%"),
    ("of ISO-2022-JP over two words", "=?ISO-2022-JP?B?GyRCJDMbKEI=?= =?ISO-2022-JP?B?GyRCJHMbKEI=?=", "こん"),
    ("of unicode-1-1-utf-7", "=?unicode-1-1-utf-7?Q?Gr+APw-n?=", "Grün"),
    ("in what is not a charset", "=?idna?Q?=C3=BC?= =?punycode?Q?=FC?= =?undefined?Q?=FC?=", "üüü"),
    ("of half a character", "=?utf-7?Q?a+2AA-b?=", "a\ufffdb"),
    ("of another kind of letters", "=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
    ("folded within", "=?utf-8?B?SGVs\n bG8=?=", "Hello"),
    ("twice encoded", "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "=?utf-8?q?a?="),
):
    odd(f"encoded words {name}", head(f"Subject: {value}"), subject=subject)
for name, address, sender in (
    ("with a comment", "Ann <ann(at home)@(the office)a.example> (busy)", "Ann <ann@a.example>"),
    ("of RFC 5322 A.5", "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete <pete@silly.test>"),
    ("in old style", "ann@a.example (Ann Example)", "Ann Example <ann@a.example>"),
    ("with blanks", "Ann <ann @ a.example>", "Ann <ann@a.example>"),
    ("with a route", "Ann <@relay.example,@b.example:ann@a.example>", "Ann <ann@a.example>"),
    ("in quotes with an at sign", '"ann@b.example" <ann@a.example>', '"ann@b.example" <ann@a.example>'),
    ("with a quoted local part", 'Ann <"ann smith"@a.example>', 'Ann <"ann smith"@a.example>'),
    ("in letters of all kinds", "用户 <用户@例子.example>", "用户 <用户@例子.example>"),
    ("with a dot in the name", "J. R. Public <j@a.example>", "J. R. Public <j@a.example>"),
    ("with a comma as it is", "Doe, Jane <j@a.example>", '"Doe, Jane" <j@a.example>'),
    ("with a comma encoded", "=?utf-8?q?Doe=2C_Jane?= <j@a.example>", '"Doe, Jane" <j@a.example>'),
    ("with an address encoded", "=?utf-8?q?boss=40b.example?= <j@a.example>", '"boss@b.example" <j@a.example>'),
    ("of Latin-1 as it is", b"J\xfcrgen <j@a.example>", "Jürgen <j@a.example>"),
    ("in a group", "Friends: ann@a.example, Bob <b@a.example>;", "ann@a.example, Bob <b@a.example>"),
    ("of nobody", "undisclosed-recipients:;", "undisclosed-recipients:;"),
    (
        "of a group between others",
        "a@a.example, Team: b@a.example; , c@a.example",
        "a@a.example, b@a.example, c@a.example",
    ),
    (
        "of a group with comments",
        "A Group(Some people): Chris <c@(his host.)public.example>, joe@example.org; (the end)",
        "Chris <c@public.example>, joe@example.org",
    ),
    ("with a number for a host", "ann@[192.0.2.1]", "ann@[192.0.2.1]"),
    ("without an address", "Ann Example", "Ann Example"),
    ("of angles alone", "<>", ""),
    ("twice in angles", "Ann <<ann@a.example>>", "Ann <ann@a.example>"),
    ("with an apostrophe", "'Ann' <ann@a.example>", "'Ann' <ann@a.example>"),
    ("as a link", "Ann <mailto:ann@a.example>", "Ann <ann@a.example>"),
    ("with a semicolon between", "a@a.example; b@a.example", "a@a.example, b@a.example"),
    ("without a top level", "root@localhost", "root@localhost"),
):
    raw = address if isinstance(address, bytes) else address.encode()
    odd(f"an address {name}", head(b"To: " + raw), to=sender)
odd("a header twice", head("Subject: first", "Subject: second"), subject="first")
odd("recipients on two lines", head("To: a@a.example", "To: b@a.example"), to="a@a.example, b@a.example")
odd("copies on two lines", head("Cc: a@a.example", "CC: b@a.example"), cc="a@a.example, b@a.example")
odd("a header in capitals", head("SUBJECT:s"), subject="s")
odd("a header without a name", head(": x", "Subject: s"), subject="s", text="words")
odd("a subject over three lines", head("Subject: one\n\ttwo\n   three"), subject="one two three")
odd("a message id with blanks", head("Message-ID: < a b@c.example >"), message_id="< a b@c.example >")
odd("a message id over two lines", head("Message-ID:\n <a@c.example>"), message_id="<a@c.example>")
for date_line, date in (
    ("Fri, 20 Nov 2026 10:00:00 +0100 (CET)", "2026-11-20T09:00:00Z"),
    ("20 Nov 26 10:00 GMT", "2026-11-20T10:00:00Z"),
    ("Fri Nov 20 10:00:00 2026", "2026-11-20T10:00:00Z"),
    ("Fri, 20 Nov 2026 24:61:00 +0100", ""),
    ("Fri, 20 Nov 2026 10:00:00 EST", "2026-11-20T15:00:00Z"),
    ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
    ("Fri, 20\n Nov 2026 10.00.00 -0000", "2026-11-20T10:00:00Z"),
    ("yesterday", ""),
):
    odd(f"the date {date_line!r}", head(f"Date: {date_line}"), date=date)

# Names of files (RFC 2231, RFC 2047, and what is in use).

for name, lines, file_name in (
    (
        "in pieces of which some are encoded",
        "Content-Disposition: attachment; filename*0*=utf-8'en'%C3%9C; filename*1=\"b c\"; filename*2*=%2Epdf",
        "Üb c.pdf",
    ),
    (
        "in pieces without a charset",
        'Content-Disposition: attachment; filename*0="long "; filename*1="name.pdf"',
        "long name.pdf",
    ),
    ("in two charsets", "Content-Disposition: attachment; filename=a.pdf; filename*=iso-8859-1''%DC.pdf", "Ü.pdf"),
    ("as encoded words without quotes", "Content-Disposition: attachment; filename==?utf-8?B?w5w=?=.pdf", "Ü.pdf"),
    (
        "as two encoded words",
        'Content-Disposition: attachment; filename="=?utf-8?B?w5w=?=\n =?utf-8?Q?b=2Epdf?="',
        "Üb.pdf",
    ),
    ("with a path", 'Content-Disposition: attachment; filename="C:\\\\Users\\\\ann\\\\a.pdf"', "C:\\Users\\ann\\a.pdf"),
    ("with a semicolon", 'Content-Disposition: attachment; filename="a;b.pdf"', "a;b.pdf"),
    ("with blanks and no quotes", "Content-Disposition: attachment; filename=my file.pdf; size=3", "my file.pdf"),
    ("of the type alone", "Content-Type: application/pdf; name*=utf-8''%C3%9C.pdf", "Ü.pdf"),
    ("in a charset that nobody knows", "Content-Disposition: attachment; filename*=x-own''%DC.pdf", "Ü.pdf"),
    ("in what is not a charset", "Content-Disposition: attachment; filename*=idna''%DC.pdf", "Ü.pdf"),
    ("after a line end in quotes", 'Content-Disposition: attachment;\n\tfilename="a\n b.pdf"', "a b.pdf"),
    ("by URL encoding", 'Content-Disposition: attachment; filename="a%20b.pdf"', "a%20b.pdf"),
):
    odd(f"a file's name {name}", parts("mixed", f"{lines}\n\nx"), names=[file_name])
