"""Attached files: what is taken, what is taken out of it, and what is refused with which words."""

import logging
import random
import re
import struct
import time
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from chat.conversations.attachments import Upload, clean_name, read_attachment, read_attachments
from chat.conversations.pdfs import SCANNED, SLOW, read_pdf
from chat.kernel.errors import Problem, TooLarge
from chat.kernel.profile import Limits
from chat.providers.base import File, Image

SECRET = b"GPS 48.8584 N 2.2945 E"
LIMITS = Limits(
    guest_messages="1/day", account_messages="1/day", model_messages="1/day", sign_in="1/day",
    upload_megabytes=1, files_per_message=2, pdf_pages=3,
)  # fmt: skip


def test_a_jpeg_loses_its_metadata_and_what_follows_it() -> None:
    clean = jpeg()
    tells = (
        segment(0xE1, exif(orientation=1)) + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET) + segment(0xFE, SECRET)
    )
    profile = segment(0xE2, b"ICC_PROFILE\0" + SECRET) + segment(0xED, SECRET)
    photo = jpeg(before=tells + profile + b"\xff\xff", between=segment(0xFE, SECRET), after=SECRET)

    assert read("a.jpg", photo) == Image("image/jpeg", clean)


def test_a_turned_jpeg_keeps_only_how_to_turn_it() -> None:
    image = read("a.jpg", jpeg(before=segment(0xE1, exif(orientation=6))))

    assert isinstance(image, Image)
    assert SECRET not in image.data
    assert b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06" in image.data
    assert read("a.jpg", image.data) == image


def test_a_jpeg_loses_the_small_picture_in_its_header() -> None:
    image = read("a.jpg", jpeg(before=segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\x05\x05" + SECRET)))

    assert isinstance(image, Image)
    assert SECRET not in image.data
    assert b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0" in image.data


def test_a_png_loses_its_text_and_what_follows_it() -> None:
    noisy = png(chunk(b"tEXt", SECRET) + chunk(b"eXIf", SECRET) + chunk(b"iTXt", SECRET) + chunk(b"tIME", b"1234567")) + SECRET

    assert read("photo.txt", noisy) == Image("image/png", png())


def test_a_webp_loses_its_metadata_and_says_so_in_its_flags() -> None:
    body = b"VP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", 9 | 9 << 14) + b"\0"
    header = b"VP8X" + struct.pack("<I", 10) + bytes([0x2C | 0x10, 0, 0, 0, 9, 0, 0, 9, 0, 0])
    cleaned = b"VP8X" + struct.pack("<I", 10) + bytes([0x10, 0, 0, 0, 9, 0, 0, 9, 0, 0])

    noisy = riff(header + b"EXIF" + struct.pack("<I", len(SECRET)) + SECRET + body + b"XMP " + struct.pack("<I", 4) + b"spot")

    assert read("a", noisy) == Image("image/webp", riff(cleaned + body))


def test_a_gif_loses_comments_and_applications() -> None:
    noise = b"\x21\xfe" + block(SECRET) + b"\x21\xff" + block(b"XMP DataXMP") + b"\x21\x01" + block(SECRET)

    assert read("a.gif", gif(noise) + SECRET) == Image("image/gif", gif())


@pytest.mark.parametrize("name", ["gif", "png", "webp"])
def test_an_animation_is_refused(name: str) -> None:
    animated = {
        "gif": gif(FRAME),
        "png": png(chunk(b"acTL", b"\0" * 8)),
        "webp": riff(b"VP8X" + struct.pack("<I", 10) + bytes([2, 0, 0, 0, 9, 0, 0, 9, 0, 0])),
    }[name]

    with pytest.raises(Problem, match="one frame"):
        read(name, animated)


@pytest.mark.parametrize("name", ["gif", "png", "jpg"])
def test_a_picture_of_too_many_pixels_is_refused(name: str) -> None:
    large = {"gif": gif(width=9_000), "png": png(width=9_000), "jpg": jpeg(width=9_000)}[name]

    with pytest.raises(TooLarge, match="9,000 × 10 pixels"):
        read(name, large)


@pytest.mark.parametrize("kind", ["gif", "png", "jpg", "webp"])
def test_a_picture_cut_anywhere_is_a_problem_and_nothing_else(kind: str) -> None:
    whole = {"gif": gif(), "png": png(), "jpg": jpeg(), "webp": riff(b"VP8L" + struct.pack("<I", 6) + b"\x2f\x09\0\x09\0\0")}[
        kind
    ]

    for length in range(12, len(whole)):
        with pytest.raises(Problem):
            read("a", whole[:length])


def test_a_pdf_is_read_as_its_text() -> None:
    part = read("../x/Letter.pdf", pdf("Dear reader", "Second page"))

    assert part == File("Letter.pdf", "application/pdf", "Dear reader\n\nSecond page")


def test_a_pdf_of_too_many_pages_is_refused() -> None:
    with pytest.raises(TooLarge, match="4 pages; at most 3"):
        read("a.pdf", pdf("1", "2", "3", "4"))


def test_a_locked_pdf_is_refused() -> None:
    with pytest.raises(Problem, match="without the password"):
        read("a.pdf", pdf("secret", password="opensesame"))


def test_a_pdf_that_anyone_may_open_is_read_though_encrypted() -> None:
    part = read("a.pdf", pdf("open to all", password=""))

    assert isinstance(part, File)
    assert part.text == "open to all"


def test_a_scanned_pdf_says_to_attach_pictures() -> None:
    with pytest.raises(Problem) as caught:
        read("a.pdf", pdf(""))

    assert caught.value.message == SCANNED


def test_a_pdf_that_unpacks_without_end_is_refused() -> None:
    bomb = pdf("x", stream=b"BT " + b" " * 60_000_000 + b" ET")

    assert len(bomb) < 1_000_000
    with pytest.raises(Problem, match=r"Attach only the pages|print it to a new PDF"):
        read("a.pdf", bomb)


def test_a_pdf_of_endless_operators_is_refused_in_time() -> None:
    began = time.monotonic()

    with pytest.raises(Problem):
        read("a.pdf", pdf("x", stream=b"BT /F1 1 Tf " + b"(a) Tj " * 2_000_000 + b"ET"))

    assert time.monotonic() - began < 60


def test_a_pdf_stops_at_its_deadline_inside_a_page() -> None:
    times = iter([0.0, 1.0, 2.0, *[100.0] * 1000])

    with pytest.raises(TooLarge) as caught:
        read_pdf(pdf("one two three"), most_pages=3, longest=1000, timer=lambda: next(times))

    assert caught.value.message == SLOW


def test_a_pdf_of_too_much_text_is_refused() -> None:
    with pytest.raises(TooLarge, match="more than 10 characters"):
        read_pdf(pdf("more than ten"), most_pages=3, longest=10)


def test_broken_pdfs_are_problems_and_leave_no_word_in_a_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    whole = pdf("canary words")
    chance = random.Random(7)

    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 30)):
            broken[chance.randrange(8, len(broken))] = chance.randrange(256)
        problem = problem_with(bytes(broken))
        assert problem is None or "canary" not in problem.message
        assert problem is None or problem.__suppress_context__ or problem.__context__ is None

    assert caplog.text == ""
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("grüße ✓".encode(), "grüße ✓"),
        (b"\xef\xbb\xbfa,b\r\n1,2\r", "a,b\n1,2\n"),
        ("né 漢".encode("utf-16"), "né 漢"),
        (b"\xfe\xff" + "né".encode("utf-16-be"), "né"),
        ("Müller’s café: 5 €".encode("cp1252"), "Müller’s café: 5 €"),
        (b"\x1b[31mred\x1b[0m\tok", "\x1b[31mred\x1b[0m\tok"),
    ],
    ids=["utf-8", "with its mark", "utf-16", "utf-16 big", "windows", "coloured log"],
)
def test_text_is_decoded(data: bytes, text: str) -> None:
    assert read("a.csv", data) == File("a.csv", "text/csv", text)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" + bytes(50),
        b"\x7fELF\x02",
        b"a\0b",
        bytes(range(128, 256)) * 4,
        b"\xa4\xb6\xd7\xf7 words" * 50,
        b"\xe9\xe8" * 50,
        random.Random(1).randbytes(500),
        b"\xff\xfea\xd8\0",
        b"\0\0\0\x18ftypheic" + b"\0" * 20,
        b"a\x01b",
    ],
)
def test_what_is_no_text_is_refused_naming_what_is_taken(data: bytes) -> None:
    with pytest.raises(Problem, match=r"PNG, JPEG, WebP, still GIF.*PDF.*CSV"):
        read("invoice.txt", data)


@pytest.mark.parametrize(
    ("data", "words"), [(b"", "empty"), (b" \n ", "no text"), (b"a" * 400_001, "400,000"), (b"a" * 1_000_001, "1 MB")]
)
def test_empty_and_large_files_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(Problem, match=words):
        read("a.txt", data)


@pytest.mark.parametrize(
    ("name", "claimed", "media_type"),
    [
        ("a.md", "", "text/markdown"),
        ("a.py", "text/x-python", "text/plain"),
        ("a", "application/json; charset=utf-8", "application/json"),
        ("a.txt", "text/html\r\nX: y", "text/plain"),
        ("a.json", "image/png", "application/json"),
    ],
)
def test_a_media_type_is_one_we_know(name: str, claimed: str, media_type: str) -> None:
    part = read_attachment(name, b"x", media_type_claimed=claimed, limits=LIMITS)

    assert isinstance(part, File)
    assert part.media_type == media_type


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.txt", "a.txt"),
        ("a\r\nb\0c\x1b.txt", "a b c .txt"),
        ("evil\u202etxt.exe", "evil txt.exe"),
        ("", "file"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("résumé 漢.pdf", "résumé 漢.pdf"),
    ],
)
def test_a_name_is_cleaned(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@given(st.text(max_size=300))
def test_a_cleaned_name_is_short_and_printable(name: str) -> None:
    assert re.fullmatch(r"[^/\\]{1,120}", clean_name(name))
    assert clean_name(name).isprintable()


def test_files_of_one_message_are_limited_together() -> None:
    small = Upload("a.txt", b"x", "text/plain")
    large = Upload("a.txt", b"x" * 300_000, "text/plain")

    assert len(read_attachments([small, small], limits=LIMITS)) == 2
    with pytest.raises(TooLarge, match="At most 2 files"):
        read_attachments([small] * 3, limits=LIMITS)
    with pytest.raises(TooLarge, match="400,000 characters"):
        read_attachments([large] * 2, limits=LIMITS)
    with pytest.raises(TooLarge, match="over 1 MB"):
        read_attachments([Upload("a.txt", b"x" * 600_000, "text/plain")] * 2, limits=LIMITS)


@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x20\0\0\0WEBP", b"GIF89a", b"%PDF-1.7\n"]),
    st.binary(max_size=300),
)
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_a_part_or_a_problem(start: bytes, rest: bytes) -> None:
    problem = problem_with(start + rest)

    assert problem is None or problem.message.endswith(".")


def read(name: str, data: bytes) -> Image | File:
    return read_attachment(name, data, media_type_claimed="", limits=LIMITS)


def problem_with(data: bytes) -> Problem | None:
    """Read `data`; anything but a part or a Problem fails the test."""
    try:
        assert isinstance(read("a", data), Image | File)
    except Problem as problem:
        return problem
    return None


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(*, before: bytes = b"", between: bytes = b"", after: bytes = b"", width: int = 10) -> bytes:
    """A progressive JPEG's outline: two scans, with stuffed bytes and a restart marker in them."""
    frame = segment(0xC2, struct.pack(">BHHB", 8, 10, width, 1) + b"\x01\x11\0")
    scan = segment(0xDA, b"\x01\x01\0\0\0\0") + b"pix\xff\x00els\xff\xd0more"
    return b"\xff\xd8" + before + segment(0xDB, bytes(65)) + frame + scan + between + scan + b"\xff\xd9" + after


def exif(*, orientation: int) -> bytes:
    entries = struct.pack("<HHII", 0x010F, 2, len(SECRET), 38) + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4) + SECRET


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(extra: bytes = b"", *, width: int = 10) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 10, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(bytes(110))) + chunk(b"IEND", b"")


def riff(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def block(data: bytes) -> bytes:
    return bytes([len(data)]) + data + b"\0"


FRAME = b"\x21\xf9" + block(b"\0\0\0\0") + b"\x2c" + struct.pack("<HHHHB", 0, 0, 10, 10, 0) + b"\x02" + block(b"\x84\x51")


def gif(extra: bytes = b"", *, width: int = 10) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, 10, 0x80, 0, 0) + bytes(6) + extra + FRAME + b"\x3b"


def pdf(*pages: str, password: str | None = None, stream: bytes | None = None) -> bytes:
    writer = PdfWriter()
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1")})
    font[NameObject("/BaseFont")] = NameObject("/Helvetica")
    for text in pages:
        page = writer.add_blank_page(200, 200)
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})})
        content = DecodedStreamObject()
        content.set_data(stream or f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(content.flate_encode())
    if password is not None:
        writer.encrypt(password, owner_password="owner", algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
