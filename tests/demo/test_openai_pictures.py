"""Pictures shown to the stand-in: checked as the API checks them, answered without pretending to see."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from demo.openai.pictures import PictureHeader, pictures_in, told
from demo.service import Refused


def message(url: object) -> dict[str, object]:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"role": "user", "content": parts}


def data_url(form: str, size: tuple[int, int] = (600, 300)) -> str:
    out = io.BytesIO()
    Image.new("RGB", size).save(out, form)
    return f"data:image/{form.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_each_published_format_is_read(form: str) -> None:
    (found,) = pictures_in([message(data_url(form))])
    assert (found.form, found.width, found.height) == (form, 600, 300)
    assert found.tokens == 85 + 2 * 170


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(data_url("BMP"), id="a format that is not published"),
        pytest.param("data:image/png;base64,AAAA", id="no picture"),
        pytest.param("data:image/png;base64,*", id="no base64"),
        pytest.param("data:text/plain;base64,AAAA", id="a text"),
        pytest.param("https://example.com/a.png", id="an address: the stand-in asks nobody"),
        pytest.param(7, id="a number"),
    ],
)
def test_what_the_api_would_not_take_is_refused(url: object) -> None:
    with pytest.raises(Refused) as caught:
        pictures_in([message(url)])
    assert caught.value.status == 400


def test_it_says_that_it_cannot_see() -> None:
    said = told([PictureHeader("PNG", 10, 20, 1234), PictureHeader("JPEG", 5, 5, 99)])
    assert "stand-in" in said
    assert "cannot see" in said
    assert "Picture 1: PNG, 10 x 20 pixels, 1,234 bytes." in said
    assert "Picture 2: JPEG" in said
