"""What the embedded engine gets of pictures, and what it must not get: it would read all of it."""

import struct
from typing import Any

import pytest

from chat.kernel.errors import Problem
from chat.providers.engine_images import MOST_PICTURES, Allowance, image_of_base64, image_of_url
from chat.providers.images import read_image
from chat.providers.translation.images_shown import as_block, settle_images
from chat.providers.translation.refusal import NotAble
from tests.images import GIF, JPEG, WEBP, data_url, png, png_of

RED = png_of(255, 0, 0)


def take(*pictures: bytes) -> None:
    allowance = Allowance()
    for one in pictures:
        allowance.take(image_of_url(data_url(one)))


@pytest.mark.parametrize("picture", [png(), RED, JPEG, GIF])
def test_pictures_that_the_engine_reads_are_taken(picture: bytes) -> None:
    take(picture)


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (WEBP, "cannot read WebP"),
        (b"", "is no image"),
        (b"hello", "is no image"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "is no image"),
        (b"\0\0\0\x18ftypmp42", "is no image"),
        (RED[:60], "damaged or cut off"),
        (JPEG[:-30], "damaged or cut off"),
        (GIF[:-6], "damaged or cut off"),
        (RED[:16] + struct.pack(">II", 30_000, 30_000) + RED[24:], "at most 8,000 a side"),
        (RED[:16] + struct.pack(">II", 6_000, 6_000) + RED[24:], "at most 32 million pixels"),
        (JPEG.replace(b"\0\x0b\x08\0\x01\0\x01", b"\0\x0b\x08\x17\x70\x17\x70"), "at most 32 million pixels"),
    ],
)
def test_others_are_refused_with_the_reason(picture: bytes, why: str) -> None:
    with pytest.raises(Problem, match=why) as caught:
        take(picture)

    assert caught.value.status == 400


def test_pixels_that_the_head_does_not_tell_of_are_not_unpacked() -> None:
    """llama.cpp unpacks all of them before it looks at the size: 1.5 MB became 1.5 GB."""
    with pytest.raises(Problem, match="damaged"):
        take(png_of(0, 0, 0, 1, pixels=bytes(3_000_000)))


def test_a_jpeg_that_is_gone_over_for_ever_is_refused() -> None:
    scan = JPEG[JPEG.index(b"\xff\xda") : -2]

    with pytest.raises(Problem, match="damaged"):
        read_image(JPEG[:-2] + scan * 200 + JPEG[-2:], "image/jpeg")


def test_all_pictures_of_a_request_share_one_allowance() -> None:
    take(*[RED] * MOST_PICTURES)

    with pytest.raises(NotAble, match="at most 20 pictures"):
        take(*[RED] * (MOST_PICTURES + 1))
    with pytest.raises(NotAble, match="at most 32 million pixels"):
        take(*[png_of(1, 2, 3, 4_100)] * 2)


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "HTTPS://example.org/a.png", "file:///etc/passwd", "a.png", ""])
def test_no_address_is_followed(url: str) -> None:
    with pytest.raises(NotAble, match="Send the image itself"):
        image_of_url(url)


@pytest.mark.parametrize("text", ["@@@@", "AAAA,http://x", "AAAA\n", "AAA", "é"])
def test_only_base64_is_decoded(text: str) -> None:
    with pytest.raises(Problem, match="not base64"):
        image_of_base64(text)


@pytest.mark.parametrize(
    "image",
    [
        {"type": "image_url", "image_url": {"url": data_url(RED, "image/jpeg"), "detail": "low"}},
        {"type": "input_image", "image_url": data_url(RED, "image/x;charset=none"), "detail": "low"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": data_url(RED).partition(",")[2]}},
        {"type": "image", "source": {"type": "url", "url": data_url(RED)}},
    ],
)
def test_an_image_gets_the_one_form_that_was_looked_at(image: dict[str, Any]) -> None:
    said = [{"role": "user", "content": [{"type": "text", "text": "What?"}, image]}]

    assert settle_images(said, "m", sees_images=True) == 1

    held = data_url(RED)
    shown = {
        "image_url": {"url": held},
        "input_image": held,
        "image": {"type": "base64", "media_type": "image/png", "data": held.partition(",")[2]},
    }
    assert image.get("source", image.get("image_url")) == shown[image["type"]]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": "data:image/png;base64,AA=="},
        {"type": "image_url"},
        {"type": "image_url", "image_url": {"url": None}},
        {"type": "image_url", "image_url": {"url": "http://127.0.0.1/"}},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/"}},
        {"type": "image", "source": {"type": "file", "file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "http://127.0.0.1/"}},
        {"type": "input_video", "input_video": {"data": "AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"multimodal_data": ["AAAA"], "prompt_string": "x"},
    ],
)
def test_whatever_else_llama_would_read_or_fetch_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(Problem) as caught:
        settle_images([{"role": "user", "content": [part]}], "m", sees_images=True)

    assert caught.value.status == 400


def test_a_settled_image_can_be_said_in_anthropics_words() -> None:
    data = data_url(RED).partition(",")[2]

    block = as_block({"type": "image_url", "image_url": {"url": data_url(RED)}})

    assert block == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    assert as_block({"type": "text", "text": "x"}) == {"type": "text", "text": "x"}
