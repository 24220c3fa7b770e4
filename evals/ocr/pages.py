"""Thirty pages of A4 at 200 dpi, drawn with fonts of Debian (fonts-dejavu-core, fonts-liberation, fonts-ipafont)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

_WIDTH, _HEIGHT = 1654, 2339
_MARGIN = 150
_WHITE = 255
_FONTS = Path("/usr/share/fonts")
_LATIN = (
    "truetype/dejavu/DejaVuSans.ttf",
    "truetype/dejavu/DejaVuSerif.ttf",
    "truetype/liberation/LiberationSans-Regular.ttf",
    "truetype/liberation/LiberationSerif-Regular.ttf",
)
_JAPANESE = ("opentype/ipafont-gothic/ipag.ttf", "opentype/ipafont-mincho/ipam.ttf")

ENGLISH = """The delivery arrived on Monday morning, two days later than the contract allows. Three of the twelve boxes
were damaged, and the driver noted it on the slip. Please send replacements for the broken parts before the end of the
month, or return the amount of 418.70 that we paid in advance. Our workshop is open from eight to five; the entrance is
beside the old station. If nobody answers the bell, call the number below, and somebody will come down. We would prefer
a credit note for the remaining items, since the project has changed and we no longer need all of them."""
GERMAN = """Die Lieferung kam erst am Montagmorgen an, zwei Tage später als vereinbart. Drei der zwölf Kartons waren
beschädigt, was der Fahrer auf dem Lieferschein vermerkt hat. Bitte schicken Sie bis zum Monatsende Ersatz für die
zerbrochenen Teile, oder überweisen Sie den Betrag von 418,70 Euro zurück. Unsere Werkstatt ist von acht bis siebzehn
Uhr geöffnet; der Eingang liegt neben dem alten Bahnhof. Für die übrigen Stücke wäre uns eine Gutschrift lieber, weil
sich das Vorhaben geändert hat und wir nicht mehr alle benötigen. Mit freundlichen Grüßen aus der Königstraße."""
FRENCH = """La livraison est arrivée lundi matin, deux jours plus tard que prévu. Trois des douze cartons étaient
abîmés, ce que le chauffeur a noté sur le bon. Veuillez nous envoyer des pièces de remplacement avant la fin du mois, ou
rembourser la somme de 418,70 euros que nous avons déjà payée. Notre atelier est ouvert de huit heures à dix-sept
heures; l'entrée se trouve à côté de l'ancienne gare. Pour le reste, nous préférons un avoir, car le projet a changé et
nous n'avons plus besoin de tout. Nous vous remercions de votre réponse et espérons vous revoir bientôt à Nîmes."""
JAPANESE = """荷物は月曜日の朝に届きましたが、約束の日より二日遅れでした。十二箱のうち三箱が壊れており、運転手は
伝票にそのことを書きました。今月の末までに代わりの部品を送ってください。または、先に払った金額を返してください。工場は朝八時から夕方五時まで開いています。
入口は古い駅の隣にあります。残りの品物については、計画が変わったため、全部は必要ではなくなりました。お返事をお待ちしております。"""
_GOODS = (
    "Green tea", "Notebook", "Desk lamp", "Office chair", "Carpet", "Mirror", "Window blind", "Paper clips",
    "Whiteboard", "Cable", "Keyboard", "Headphones", "Coffee beans", "Envelopes", "Printer ink", "Bookshelf",
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """A page with the text that is on it."""

    kind: str
    language: str
    text: str
    drawn: Callable[[], Image.Image]


def _pages() -> tuple[Page, ...]:
    found: list[Page] = []
    for number in range(5):
        text, font, size = _shuffled(ENGLISH, number), _LATIN[number % len(_LATIN)], 28 + 3 * (number % 3)
        angle = (-2.5, -1.0, 1.0, 2.5, 180.0)[number]
        found.append(_of("clean", "eng", text, font, size))
        found.append(_of("askew by up to 2.5°, one upside down", "eng", text, font, size, partial(_turned, angle)))
        found.append(_of("noisy", "eng", text, font, size, partial(_noisy, number)))
    for number in range(4):
        font = _LATIN[number]
        left, right = _shuffled(ENGLISH, 10 + number), _shuffled(ENGLISH, 20 + number)
        found.append(Page("two columns", "eng", f"{left} {right}", partial(_columns, left, right, font)))
        rows = _rows(number)
        text = " ".join(" ".join(row) for row in rows)
        found.append(Page("tables", "eng", text, partial(_table, rows, font, is_ruled=number % 2 == 1)))
    for kind, language, text, fonts in (
        ("German", "deu", GERMAN, _LATIN),
        ("French", "fra", FRENCH, _LATIN),
    ):
        found += [_of(kind, language, _shuffled(text, number), fonts[number], 30) for number in range(2)]
    found += [
        _of("Japanese", "jpn", "".join(JAPANESE.split()), _JAPANESE[number % 2], 34 + 4 * number) for number in range(3)
    ]
    return tuple(found)


def _of(
    kind: str,
    language: str,
    text: str,
    font: str,
    size: int,
    changed: Callable[[Image.Image], Image.Image] = lambda image: image,
) -> Page:
    return Page(kind, language, text, lambda: changed(_written(text, font, size)))


def _shuffled(text: str, seed: int) -> str:
    """Return the sentences of a text, in another order and twice, so that each page is another one."""
    sentences = " ".join(text.split()).split(". ")
    sentences = [one.rstrip(".") + "." for one in sentences]
    chosen = [*sentences, *sentences]
    random.Random(seed).shuffle(chosen)
    return " ".join(chosen)


def _rows(seed: int) -> list[tuple[str, str, str]]:
    chance = random.Random(seed)
    return [
        (one, str(chance.randint(1, 90)), f"{chance.randint(1, 900)}.{chance.randint(10, 99)}")
        for one in chance.sample(_GOODS, len(_GOODS))
    ]


def _blank() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (_WIDTH, _HEIGHT), _WHITE)
    return image, ImageDraw.Draw(image)


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONTS / name), size)


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    gap = " " if " " in text else ""
    lines, now = list[str](), ""
    for word in text.split() if gap else text:
        longer = f"{now}{gap}{word}" if now else word
        if font.getlength(longer) > width and now:
            lines.append(now)
            longer = word
        now = longer
    return [*lines, now]


def _put(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, left: int, width: int) -> None:
    for number, line in enumerate(_lines(text, font, width)):
        draw.text((left, _MARGIN + number * font.size * 1.5), line, fill=0, font=font)


def _written(text: str, name: str, size: int) -> Image.Image:
    image, draw = _blank()
    _put(draw, text, _font(name, size), _MARGIN, _WIDTH - 2 * _MARGIN)
    return image


def _columns(left: str, right: str, name: str) -> Image.Image:
    image, draw = _blank()
    font, width = _font(name, 26), (_WIDTH - 2 * _MARGIN - 70) // 2
    _put(draw, left, font, _MARGIN, width)
    _put(draw, right, font, _MARGIN + width + 70, width)
    return image


def _table(rows: Sequence[tuple[str, str, str]], name: str, *, is_ruled: bool) -> Image.Image:
    image, draw = _blank()
    font, places = _font(name, 32), (_MARGIN, 850, 1250)
    for number, row in enumerate(rows):
        top = _MARGIN + number * 75
        for left, cell in zip(places, row, strict=True):
            draw.text((left, top), cell, fill=0, font=font)
        if is_ruled:
            draw.line((_MARGIN - 20, top + 55, _WIDTH - _MARGIN, top + 55), fill=0, width=2)
    return image


def _turned(degrees: float, image: Image.Image) -> Image.Image:
    return image.rotate(degrees, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=_WHITE)


def _noisy(seed: int, image: Image.Image) -> Image.Image:
    """Return the page as a bad copier gives it: grey, blurred, with speckles."""
    chance = random.Random(seed)
    grey = image.filter(ImageFilter.GaussianBlur(1.2)).point(lambda value: 40 + value * 0.75)
    draw = ImageDraw.Draw(grey)
    for _ in range(4_000):
        left, top = chance.randrange(_WIDTH), chance.randrange(_HEIGHT)
        draw.point((left, top), fill=chance.randrange(60, 160))
    return ImageChops.add(grey, Image.effect_noise(grey.size, 40), scale=1.0, offset=-128)


PAGES = _pages()
