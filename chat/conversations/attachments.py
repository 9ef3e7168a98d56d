"""What a person attaches, as the values that providers take. All of it happens in memory; the bytes decide, never the name.

Every refusal says what to do instead.
"""

import codecs
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from chat.kernel.errors import Problem, TooLarge
from chat.kernel.profile import Limits
from chat.providers.base import File, Image
from chat.providers.images import media_type_of, read_image

LONGEST_TEXT = 400_000  # characters; more than the context of the models people run
LONGEST_NAME = 120

ACCEPTED = "pictures (PNG, JPEG, WebP, still GIF), PDF, and text of any kind: plain, Markdown, CSV, JSON, source code"
CONTROL = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")  # \x1b colours terminal logs; \x85 is a line end
MEDIA_TYPES = {
    "csv": "text/csv", "css": "text/css", "html": "text/html", "json": "application/json", "md": "text/markdown",
    "markdown": "text/markdown", "tsv": "text/tab-separated-values", "xml": "application/xml", "yaml": "application/yaml",
    "yml": "application/yaml",
}  # fmt: skip
CLAIMABLE = frozenset(MEDIA_TYPES.values())
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Upload(NamedTuple):
    """A file as the browser sent it: its name and media type are only claims."""

    name: str
    data: bytes
    media_type_claimed: str


def read_attachments(uploads: Sequence[Upload], *, limits: Limits) -> tuple[Image | File, ...]:
    """Read the files of one message, together within the limits. Raises Problem for the first that cannot be taken."""
    if len(uploads) > limits.files_per_message:
        raise TooLarge(f"At most {limits.files_per_message} files go with one message. Remove some, or send them in two.")
    if sum(len(upload.data) for upload in uploads) > limits.upload_megabytes * 1_000_000:
        raise TooLarge(f"Together these files are over {limits.upload_megabytes} MB. Send them with several messages.")
    parts = tuple(
        read_attachment(upload.name, upload.data, media_type_claimed=upload.media_type_claimed, limits=limits)
        for upload in uploads
    )
    if sum(len(part.text) for part in parts if isinstance(part, File)) > LONGEST_TEXT:
        raise TooLarge(f"Together these files hold more than {LONGEST_TEXT:,} characters. Send them with several messages.")
    return parts


def read_attachment(name: str, data: bytes, *, media_type_claimed: str, limits: Limits) -> Image | File:
    """Return the file as a picture without metadata, or as the text it holds. Raises Problem saying what to do instead."""
    if not data:
        raise Problem("This file is empty. Choose another one.", code="empty_file")
    if len(data) > limits.upload_megabytes * 1_000_000:
        raise TooLarge(f"This file is over {limits.upload_megabytes} MB. Attach a smaller one, or a part of it.")
    if picture := media_type_of(data):
        return read_image(data, picture)
    name = clean_name(name)
    if b"%PDF-" in data[:1024]:
        # pypdf costs 6 MB in every process; most of them never see a PDF.
        from chat.conversations.pdfs import read_pdf  # noqa: PLC0415

        return File(name, "application/pdf", read_pdf(data, most_pages=limits.pdf_pages, longest=LONGEST_TEXT))
    return File(name, _text_type(name, media_type_claimed), _read_text(data))


def clean_name(name: str) -> str:
    """Return the last part of `name`, without control and direction characters, at most LONGEST_NAME characters long."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(" " if unicodedata.category(one).startswith(("C", "Z")) else one for one in last)
    kept = " ".join(kept.split()).lstrip(".") or "file"
    if len(kept) <= LONGEST_NAME:
        return kept
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending) > 10:
        return kept[:LONGEST_NAME]
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"


def _text_type(name: str, claimed: str) -> str:
    claimed = claimed.partition(";")[0].strip().lower()
    return MEDIA_TYPES.get(name.rpartition(".")[2].lower()) or (claimed if claimed in CLAIMABLE else "text/plain")


def _read_text(data: bytes) -> str:
    # Four bytes are the most a character takes, so that what is certainly too long is not decoded at all.
    if len(data) > LONGEST_TEXT * 4:
        raise TooLarge(f"This text holds more than {LONGEST_TEXT:,} characters. Attach the part that matters.")
    text = _decode(data)
    if text is None or "\0" in text or CONTROL.search(text):
        raise Problem(f"This kind of file cannot be read. What can be: {ACCEPTED}.", code="unknown_file")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > LONGEST_TEXT:
        raise TooLarge(f"This text holds more than {LONGEST_TEXT:,} characters. Attach the part that matters.")
    if not text.strip():
        raise Problem("This file holds no text. Choose another one.", code="empty_file")
    return text


def _decode(data: bytes) -> str | None:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _try(data[len(mark) :], encoding)
    if b"\0" in data:
        return None
    return _try(data, "utf-8") or _guess(data)


def _guess(data: bytes) -> str | None:
    """Windows' Western encoding, when the bytes read as text in it: mostly ASCII, and the rest letters and quotes."""
    text = _try(data, "cp1252")
    if text is None:
        return None
    odd = sum(1 for one in text if ord(one) > 127 and not one.isalpha() and one not in "“”‘’–—…€£§°«»©®·•´¿¡ \xa0²³½¼")
    foreign = sum(1 for one in data if one > 127)
    return text if foreign <= len(data) * 0.3 and odd <= len(data) * 0.02 else None


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
