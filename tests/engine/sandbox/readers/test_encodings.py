"""The encoding of texts: one bad byte changes the reading of no other, and is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.sandbox.readers.reading import answered

_GOOD, _BAD = "Müller".encode(), "Müller".encode("latin-1")
_SAID = "1 character cannot be read (line 3): U+FFFD (\ufffd) is in the place of each."
_DAMAGED = {
    "a.csv": b"name,n\n%b,1\n%b,2\nGr\xc3\xbcn,3\n" % (_GOOD, _BAD),
    "a.jsonl": b'{"name": "%b"}\n\n{"name": "%b"}\n' % (_GOOD, _BAD),
    "a.json": b'[{"name": "%b"},\n\n{"name": "%b"}]' % (_GOOD, _BAD),
    "a.html": b"<html><table><tr><td>name</td><td>n</td></tr>\n<tr><td>%b</td><td>1</td></tr>\n"
    b"<tr><td>%b</td><td>2</td></tr></table>\xc3\xbc</html>" % (_GOOD, _BAD),
}


@pytest.mark.parametrize("name", _DAMAGED)
def test_one_bad_byte_changes_no_other(tmp_path: Path, name: str) -> None:
    found = answered(tmp_path, name, _DAMAGED[name])
    assert [row["name"] for row in found["rows"]][:2] == ["Müller", "M\ufffdller"]
    assert found["notes"] == [_SAID]


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.html"])
def test_a_text_says_what_cannot_be_read(tmp_path: Path, name: str, form: str) -> None:
    found = answered(tmp_path, name, _DAMAGED[name.replace("txt", "csv")], "text", form=form)
    assert "Müller" in found["text"]
    assert "M\ufffdller" in found["text"]
    assert found["notes"] == [_SAID]


def test_bad_bytes_are_counted(tmp_path: Path) -> None:
    rows = "Größe,Übermaß\n" * 500
    found = answered(tmp_path, "a.csv", b"a,b\n" + rows.encode() + b"\xfc\xff\0,x\n" * 3)
    assert found["rows"][0] == {"a": "Größe", "b": "Übermaß"}
    assert found["notes"][0].startswith("9 characters cannot be read (lines 502, 503 and 504): U+FFFD")


_TEXTS = {
    "cp1252": "Müller Straße Größe Übermut café naïve “quoted” – 5 €",
    "cp866": "Отправитель Иван Петров улица Ленина расстояние стандартных стран Настоящее расписание остаётся таким",
    "cp1251": "Съешь же ещё этих мягких французских булок да выпей чаю",
    "gb18030": "中华人民共和国的首都是北京 我们明天去上海参加会议 请准备好所有的文件和合同",
    "cp932": "日本国の首都は東京です 明日の会議の資料を準備してください カタカナ",
    "cp949": "대한민국의 수도는 서울이다 내일 회의에 필요한 모든 문서를 준비해 주세요",
    "big5": "中華民國的首都是臺北 我們明天去高雄參加會議 請準備好所有的文件和合同",
}


@pytest.mark.parametrize("encoding", _TEXTS)
def test_a_text_of_another_encoding_is_not_taken_for_a_damaged_one(tmp_path: Path, encoding: str) -> None:
    content = "\n".join(_TEXTS[encoding].split()).encode(encoding)
    assert answered(tmp_path, "a.csv", content, "detect")["encoding"] != "utf-8"
    assert answered(tmp_path, "a.csv", "\n".join(_TEXTS[encoding].split()), "detect")["encoding"] == "utf-8"


@pytest.mark.parametrize("text", ["20 °C", "it’s São Paulo", "±0.5 µm", "über", "ÄÖÜ", "«½»", "ß"])
def test_a_few_accents_make_no_text_of_other_letters(tmp_path: Path, text: str) -> None:
    assert answered(tmp_path, "a.txt", text.encode("cp1252"), "text")["text"] == text


def test_japanese_in_ascii_bytes_is_read(tmp_path: Path) -> None:
    found = answered(tmp_path, "a.csv", "名前,n\n東京,1\n".encode("iso2022_jp"))
    assert found["rows"] == [{"名前": "東京", "n": 1}]


def test_a_second_mark_of_utf_8_is_no_part_of_a_name(tmp_path: Path) -> None:
    assert answered(tmp_path, "a.csv", "\ufeff\ufeffa,b\n1,2")["columns"] == ["a", "b"]


_PAGE = "<table><tr><th>a</th></tr><tr><td>Říp Žďár</td></tr></table>"
_NAMED = {
    "meta": f"<html><meta charset=iso-8859-2>{_PAGE}",
    "http-equiv": f"<meta http-equiv=Content-Type content='text/html; charset=iso-8859-2'><body>{_PAGE}",
    "XML": f"<?xml version='1.0' encoding='iso-8859-2'?><html>{_PAGE}</html>",
}


@pytest.mark.parametrize("how", _NAMED)
def test_a_page_is_read_in_the_encoding_that_it_names_unless_it_is_utf_8(tmp_path: Path, how: str) -> None:
    for encoding in ("iso-8859-2", "utf-8"):
        assert answered(tmp_path, "a.html", _NAMED[how].encode(encoding))["rows"] == [{"a": "Říp Žďár"}]
