"""When a mail says that it was written, in UTC, however programs write it."""

from __future__ import annotations

import pytest

from clients.mail.dates import written_at

NINE = "2026-11-20T09:00:00Z"


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        pytest.param("Fri, 20 Nov 2026 10:00:00 +0100", NINE, id="as RFC 5322"),
        pytest.param("20 Nov 2026 10:00 +0100", NINE, id="without a day and seconds"),
        pytest.param("Fri, 20 Nov 2026 10:00:00 +0100 (CET)", NINE, id="with a comment"),
        pytest.param("Fri, 20 Nov 2026 10:00:00 +0100 (Central European (winter) Time)", NINE, id="nested comments"),
        pytest.param("Fri, 20 Nov 2026 10:00:00 +01:00", NINE, id="an offset with a colon"),
        pytest.param("Fri, 20 Nov 2026 10:00:00 +1", NINE, id="an offset in hours"),
        pytest.param("Fri, 20 Nov 2026 10:00:00+0100", NINE, id="no blank before the offset"),
        pytest.param("Fri, 20 Nov 2026 10:00:00 GMT+1", NINE, id="an offset behind GMT"),
        pytest.param("Fri Nov 20 2026 10:00:00 GMT+0100 (Central European Standard Time)", NINE, id="as JavaScript"),
        pytest.param("Fri, 20 Nov 2026 10:00:00 UTC +01:00", NINE, id="an offset behind UTC and a blank"),
        pytest.param("Fri, 20 Nov 2026 14:30:00 +0530", NINE, id="half an hour"),
        pytest.param("Fri, 20 Nov 2026 05:15:00 -0345", NINE, id="west and a quarter"),
        pytest.param("Fri, 20 Nov 2026 04:00:00 EST", NINE, id="a zone of RFC 822"),
        pytest.param("Fri, 20 Nov 2026 10:00:00 CET", NINE, id="a zone of Europe"),
        pytest.param("Fri, 20 Nov 2026 11:00:00 cest", NINE, id="in small letters"),
        pytest.param("Fri Nov 20 10:00:00 CET 2026", NINE, id="as the command date"),
        pytest.param("Fri, 20 Nov 2026 18:00:00 JST", NINE, id="a zone of Asia"),
        pytest.param("Fri, 20 Nov 2026 09:00:00 GMT", NINE, id="GMT"),
        pytest.param("Fri, 20 Nov 2026 09:00:00 -0000", NINE, id="UTC without a place"),
        pytest.param("Fri, 20 Nov 2026 09:00:00", NINE, id="no zone"),
        pytest.param("Fri, 20 Nov 2026 09:00:00 XYZ", NINE, id="an unknown zone"),
        pytest.param("Fri Nov 20 09:00:00 2026", NINE, id="as asctime"),
        pytest.param("20 Nov 26 10:00:00 +0100", NINE, id="a year of two digits"),
        pytest.param("2026-11-20T10:00:00+01:00", NINE, id="as RFC 3339"),
        pytest.param("2026-11-20 10:00:00.5 +0100", NINE, id="as RFC 3339 with blanks"),
        pytest.param("2026-11-20T09:00:00Z", NINE, id="as RFC 3339 in UTC"),
        pytest.param("", "", id="empty"),
        pytest.param("yesterday", "", id="no date"),
        pytest.param("Mon, 1 Jan 99999 00:00:00 +9999", "", id="beyond all years"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 -1200", "", id="beyond the last year"),
        pytest.param("Fri, 20 Nov 2026 25:00:00 +0100", "", id="no hour of a day"),
        pytest.param("(" * 5000, "", id="open comments"),
    ],
)
def test_a_date_in_utc(written: str, wanted: str) -> None:
    assert written_at({"headers": [{"name": "DATE", "value": written}]}) == wanted


def test_a_mail_without_a_date() -> None:
    assert written_at({}) == ""
