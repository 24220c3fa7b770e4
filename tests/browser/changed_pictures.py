"""Shows which pages look different from the pictures of the last time, each beside how it was (`make screenshots`).

Times such as "2 minutes ago" differ on every picture: a page counts as changed from one pixel in two hundred.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

from PIL import Image, ImageChops

NOTICED = 24
"""The difference of a colour, of 255, from which somebody would notice it."""
CHANGED = 1 / 200


def changed(before: Path, now: Path) -> float:
    """Return the share of pixels that differ, 1 if the size does."""
    with Image.open(before) as old, Image.open(now) as new:
        if old.size != new.size:
            return 1.0
        difference = ImageChops.difference(old.convert("L"), new.convert("L"))
        return sum(difference.histogram()[NOTICED:]) / (new.width * new.height)


def main(before: Path, now: Path) -> None:
    """Write `changed.html` beside the new pictures, and say what it has."""
    rows = []
    for picture in sorted(now.glob("*/*.png")):
        name = picture.relative_to(now)
        old = before / name
        if not old.exists() or changed(old, picture) > CHANGED:
            rows.append(f"<h2>{escape(str(name))}</h2><img src='{old.absolute()}'> <img src='{picture.absolute()}'>")
    style = "<meta charset='utf-8'><style>img { width: 48%; vertical-align: top; border: 1px solid #999 }</style>"
    (now / "changed.html").write_text("\n".join([style, *rows]), encoding="utf-8")
    sys.stdout.write(f"{len(rows)} pictures have changed: {now / 'changed.html'}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
