"""The text of a PDF, read in memory within limits of pages, characters, unpacked bytes and time.

A PDF is hostile until read: pypdf gets small limits, its log is silenced (it quotes the file), no program is called.
"""

import logging
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from pypdf import Configuration, PdfReader, apply_configuration
from pypdf.errors import LimitReachedError, PyPdfError

from chat.kernel.errors import Problem, TooLarge

SECONDS = 8.0
UNPACKED = 20_000_000  # bytes of one stream

SMALL = Configuration(
    maximum_declared_stream_length=30_000_000,
    array_based_stream_maximum_output_length=UNPACKED,
    jbig2_maximum_output_length=UNPACKED,
    lzw_maximum_output_length=UNPACKED,
    run_length_maximum_output_length=UNPACKED,
    zlib_maximum_output_length=UNPACKED,
    zlib_maximum_recovery_input_length=500_000,
    brotli_maximum_output_length=UNPACKED,
    stream_decoding_work_maximum_length=2 * UNPACKED,
    stream_parsing_work_maximum_count=500_000,
    page_tree_maximum_entries=10_000,
    page_tree_maximum_page_entries=100_000,
    xform_maximum_invocations_per_extraction=500,
    jbig2dec_binary=None,  # it works through temporary files
    disable_legacy_handling=True,
)

GARBLED = "This PDF cannot be read; it may be damaged. Open it, print it to a new PDF, and attach that, or paste its text."
LOCKED = "This PDF is protected by a password. Save a copy without the password and attach that."
SLOW = "Reading this PDF takes too long. Attach only the pages you need, or paste their text."
SCANNED = "This PDF holds no text, only pictures of it. Attach its pages as pictures, to a model that sees."

_LOG = logging.getLogger("pypdf")
_LOG.addHandler(logging.NullHandler())
_LOG.setLevel(logging.CRITICAL + 1)
_LOG.propagate = False


class _OutOfTimeError(Exception):
    """The deadline passed inside a page."""


def read_pdf(data: bytes, *, most_pages: int, longest: int, timer: Callable[[], float] = time.monotonic) -> str:
    """Return the text of the PDF, its pages parted by an empty line. Raises Problem saying what to do instead."""
    deadline = timer() + SECONDS
    try:
        with apply_configuration(SMALL):
            return _collect(_pages(data, most_pages, deadline, timer), longest)
    except Problem:
        raise
    except _OutOfTimeError:
        raise TooLarge(SLOW) from None
    except LimitReachedError:
        raise TooLarge("This PDF unpacks to more than can be read here. Attach only the pages you need.") from None
    except Exception:  # noqa: BLE001 - on a hostile file pypdf raises anything, and its message may quote the file
        raise Problem(GARBLED, code="damaged_file") from None


def _pages(data: bytes, most_pages: int, deadline: float, timer: Callable[[], float]) -> Iterator[str]:
    def check(*_: Any) -> None:
        if timer() > deadline:
            raise _OutOfTimeError

    reader = PdfReader(BytesIO(data), root_object_recovery_limit=1_000, xref_stream_maximum_entries=200_000)
    try:
        locked = reader.is_encrypted and not reader.decrypt("")
    except PyPdfError:
        locked = True
    if locked:
        raise Problem(LOCKED, code="locked_file")
    count = len(reader.pages)
    if count > most_pages:
        raise TooLarge(f"This PDF has {count:,} pages; at most {most_pages} can be read. Attach only the pages you need.")
    for page in reader.pages:
        check()
        yield page.extract_text(visitor_operand_before=check)
        time.sleep(0)  # lets the other streams of this worker go on


def _collect(pages: Iterator[str], longest: int) -> str:
    texts: list[str] = []
    room = longest
    for text in pages:
        room -= len(text) + 2
        if room < 0:
            raise TooLarge(f"This PDF holds more than {longest:,} characters. Attach only the pages you need.")
        texts.append(text.strip())
    whole = "\n\n".join(texts).strip()
    if not whole:
        raise Problem(SCANNED, code="no_text")
    return whole
