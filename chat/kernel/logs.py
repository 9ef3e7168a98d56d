"""The log firewall: what a log line may hold is decided where records are made, for every logger of the process.

Our own records are a fixed sentence and allow-listed fields. A library's record keeps only its name, level and place: its
message may quote a prompt, a key or an address, at DEBUG above all. Exceptions keep their types and places, never their text.
Gunicorn's master process imports this module too, so it knows no web framework.
"""

import json
import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from gunicorn.glogging import Logger as _GunicornLogger

from chat.kernel import clock

FIELDS = frozenset(
    {
        "method", "route", "status", "ms", "bytes", "request_id", "account", "model", "provider", "code",
        "job", "count", "outcome", "attempt", "pid", "reason", "source",
    }
)  # fmt: skip
_OURS = "chat"
# Libraries whose sentences are about the process itself. Their arguments are dropped: only the fixed text is kept.
_FIXED_TEXT = ("alembic.runtime.migration", "gunicorn.error")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class FirewallRecord(logging.LogRecord):
    """A record made harmless before any handler, ours or another's, can see it."""

    def __init__(
        self, name: str, level: int, pathname: str, lineno: int, msg: object, args: Any, exc_info: Any, *rest: Any, **more: Any
    ) -> None:
        super().__init__(name, level, pathname, lineno, _safe_text(name, msg, args, lineno), None, None, *rest, **more)
        if exc_info and exc_info[0]:
            self.exc_text = places(exc_info)
        self.stack_info = None


def _safe_text(name: str, msg: object, args: Any, lineno: int) -> str:
    if name == _OURS or name.startswith(f"{_OURS}."):
        # Our own messages are fixed sentences; ids and counts travel as `extra` and are filtered by FIELDS.
        return msg if isinstance(msg, str) else "withheld"
    # Without arguments the sentence may have been put together already, and hold what it was put together from.
    if name.startswith(_FIXED_TEXT) and isinstance(msg, str) and args:
        return msg.split("%", 1)[0].rstrip(" :([")
    return f"withheld ({name}, line {lineno})"


def places(exc_info: _ExcInfo) -> str:
    """Return the exception's type and the places it passed, without its message or any value."""
    kind, error, trace = exc_info
    lines = [f"{kind.__module__}.{kind.__qualname__}" if kind else "unknown"]
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
        lines.append(f"because of {type(error).__qualname__}")
    lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
    return "\n".join(lines)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, sentence, and the allowed fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": clock.now().isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name in FIELDS and _is_plain(value)}
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


class PlainLines(JsonLines):
    """The same for somebody who watches a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in vars(record).items() if name in FIELDS and _is_plain(value))
        line = f"{clock.now():%H:%M:%S} {record.levelname:7} {record.getMessage()} {fields}".rstrip()
        return f"{line}\n{record.exc_text}" if record.exc_text else line


def _is_plain(value: object) -> bool:
    return isinstance(value, (int, float, bool)) or (isinstance(value, str) and len(value) <= 120)


def set_up_logs(level: str) -> None:
    """Send every record of the process, scrubbed, to standard error."""
    logging.setLogRecordFactory(FirewallRecord)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainLines() if sys.stderr.isatty() else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    # Its request lines carry the query string, its banner says what `kernel.serving` says better; failures still come.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def log_what_nobody_caught() -> None:
    """Let failures that reach the end of the process, of a thread or of a finalizer come here: Python prints their text."""
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _process.critical("nobody caught a failure", exc_info=(kind, error, trace))


def _uncaught_in_thread(what: threading.ExceptHookArgs) -> None:
    if what.exc_value is not None:
        _process.error("a thread ended in a failure", exc_info=(what.exc_type, what.exc_value, what.exc_traceback))


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    if what.exc_value is not None:
        _process.error("a failure came while tidying up", exc_info=(what.exc_type, what.exc_value, what.exc_traceback))


_process = logging.getLogger("chat.process")


class GunicornLogger(_GunicornLogger):  # type: ignore[misc]  # gunicorn carries no types
    """Gunicorn's own lines, through the firewall; its access log stays off, ours is written by `access_log`."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        set_up_logs(cfg.loglevel.upper())
        for log in (self.error_log, self.access_log):
            log.handlers[:] = []
            log.propagate = True
