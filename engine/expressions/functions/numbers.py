"""Numbers as people write them in a language: `1.234,50` in German, `1,234.50` in English."""

from __future__ import annotations

import re
import unicodedata
from math import isinf

from engine.expressions.functions.refused import RefusedValue, cited

_COMMA = frozenset(
    "af az be bg bs ca cs da de el es et eu fi fo fr gl hr hu hy id is it ka kk lt lv mk nb nl nn no pl pt ro ru sk sl"
    " sq sr sv tr uk uz vi".split()
)
"""Languages that write a comma before decimals (Unicode CLDR, `numbers/symbols`)."""
_POINT = frozenset("am ar bn cy en fa fil ga gu he hi ja km kn ko ml mr ms mt ne pa si sw ta te th ur zh zu".split())
_POINT_REGIONS = frozenset({"de-ch", "de-li", "it-ch", "rm-ch", "es-mx", "es-us", "es-gt", "es-pe", "es-do", "es-pr"})
"""Regions that differ from their language."""
_SIGNS = re.compile(r"[\u2212\u2012\u2013]")
_DIRECTIONS = re.compile(r"[\u200e\u200f\u061c]")
_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF"
    " CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL"
    " HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD"
    " MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG"
    " QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD"
    " TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
).split()
"""Currencies (ISO 4217); other words before a number, as in `INV 12`, are part of a name."""
_CURRENCY = re.compile(
    r"(?:\b[A-Z]{1,2})?\$|[€£¥₹₽₺₴₩₪฿₫₱₦]|(?<![A-Za-z])(?:" + "|".join(_CODES) + r"|kr|zł|Kč|Ft|lei|Fr)\.?(?![A-Za-z])"
)
_EXPONENT = re.compile(r"[eE][+-]?[0-9]{1,3}\Z")
_WHOLE = {
    ",": r"[1-9][0-9]{0,2}(?P<group>[ .'\u2019])[0-9]{3}(?:(?P=group)[0-9]{3})*",
    ".": r"[1-9][0-9]{0,2}(?P<group>[ ,'\u2019])[0-9]{3}(?:(?P=group)[0-9]{3})*|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}",
}
"""In groups of digits; groups of two are written in India."""
_BODY = {
    mark: re.compile(rf"(?P<whole>{whole}|[0-9]+)?(?:{re.escape(mark)}(?:(?P<part>[0-9]+)|-{{1,2}})?)?\Z", re.ASCII)
    for mark, whole in _WHOLE.items()
}
"""`5,-` is five and no cents."""


class NotANumber(ValueError):
    """A text is no number in that language; the text of the error says which."""


class UnknownLanguage(ValueError):
    """The language's way to write numbers is not known; the text of the error names it."""


def decimal_mark(language: str) -> str:
    """Return the sign before decimals in a language (BCP 47: `de`, `de-CH`). Raises UnknownLanguage."""
    tag = language.strip().replace("_", "-").lower()
    base = tag.partition("-")[0]
    if tag in _POINT_REGIONS or base in _POINT:
        return "."
    if base in _COMMA:
        return ","
    raise UnknownLanguage(language)


def parsed_number(text: str, language: str) -> float:
    """Return the number that a text is in a language, also with a currency, a minus behind it or in brackets.

    Digits of all scripts count, as `int` reads them: `١٢` is 12, `5²` is not a number. `12 %` is 0.12, `5,-` is 5.
    Groups of digits must be right, so that `1.5` is no number in German rather than 15.
    Raises NotANumber, UnknownLanguage.
    """
    mark = decimal_mark(language)
    plain = _in_ascii(text, mark).strip()
    plain = _CURRENCY.sub("", plain, count=1).strip()
    is_percent = plain.endswith("%")
    plain = plain.removesuffix("%").strip()
    is_negative, plain = _sign(plain, mark)
    exponent = found[0] if (found := _EXPONENT.search(plain)) else ""
    body = _BODY[mark].match(plain.removesuffix(exponent))
    if body is None or not (body["whole"] or body["part"]):
        raise NotANumber(text)
    whole = re.sub("[^0-9]", "", body["whole"] or "0")
    number = float(f"{'-' * is_negative}{whole}.{body['part'] or '0'}{exponent}")
    if isinf(number):  # no JSON has it
        raise NotANumber(text)
    return float(f"{number / 100:.15g}") if is_percent else number  # 12.3 / 100 is 0.12300000000000001


def _in_ascii(text: str, mark: str) -> str:
    """Return a number with the digits and signs of ASCII. Raises NotANumber for raised digits and the like."""
    if any(unicodedata.category(one) == "No" for one in text):
        raise NotANumber(text)
    plain = _DIRECTIONS.sub("", _SIGNS.sub("-", unicodedata.normalize("NFKC", text)))
    plain = plain.replace("\u066b", mark).replace("\u066c", "'").replace("\u066a", "%")  # as Arabic writes them
    return "".join(str(unicodedata.decimal(one, one)) for one in plain)


def _sign(plain: str, mark: str) -> tuple[bool, str]:
    if plain.startswith("(") and plain.endswith(")"):
        return True, plain[1:-1].strip()
    if plain.endswith("-") and not plain.rstrip("-").endswith(mark):
        return True, plain[:-1].strip()
    return plain.startswith("-"), plain[1:].strip() if plain[:1] in ("+", "-") else plain


def read_number(value: str | float, language: str = "en") -> float:
    """Return the number that a text is in a language; a number stays one. Raises RefusedValue."""
    if not isinstance(value, str):
        return float(value)
    try:
        return parsed_number(value, language)
    except NotANumber:
        said = f"{cited(value)} is not a number as {language!r} writes it."
        raise RefusedValue(said, "Name the language of the text: 'de' writes 1.234,50 and 'en' 1,234.50.") from None
    except UnknownLanguage:
        said = f"How {cited(language)} writes numbers is not known."
        raise RefusedValue(said, "Name a language such as 'de', 'en' or 'de-CH'.") from None
