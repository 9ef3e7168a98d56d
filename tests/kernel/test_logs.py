"""Whatever anybody logs, at whatever level: content does not come through."""

import ast
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable

import pytest

from chat.kernel.logs import log_what_nobody_caught, set_up_logs
from tests.shape.source import modules

CANARY = "canary-7f3a"
METHODS = ("debug", "info", "warning", "error", "critical", "exception", "log")


@pytest.fixture(params=[False, True], ids=["captured", "terminal"])
def said(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: request.param)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    set_up_logs("DEBUG")
    return stream.getvalue


def _raise() -> None:
    try:
        dict[str, str]()[CANARY]
    except KeyError as error:
        raise ValueError(f"could not use {CANARY}") from error


def _logged_exception(name: str) -> None:
    try:
        _raise()
    except ValueError:
        logging.getLogger(name).exception("failed with %s", CANARY, stack_info=True)


LEAKS: dict[str, Callable[[], None]] = {
    "arguments": lambda: logging.getLogger("openai").debug("sending %s", CANARY),
    "a mapping of arguments": lambda: logging.getLogger("openai").debug("sending %(body)s", {"body": CANARY}),
    "a finished message": lambda: logging.getLogger("httpx2").debug(f"body: {CANARY}"),
    "a message of ours with arguments": lambda: logging.getLogger("chat.inference").error("failed: %s", CANARY),
    "an object as message": lambda: logging.getLogger("chat.inference").error({"prompt": CANARY}),
    "an exception as message": lambda: logging.getLogger("chat.inference").error(ValueError(CANARY)),
    "fields that are not allowed": lambda: logging.getLogger("chat.x").info("answer", extra={"prompt": CANARY}),
    "an allowed field with an object": lambda: logging.getLogger("chat.x").info("answer", extra={"reason": [CANARY]}),
    "an allowed field that is long": lambda: logging.getLogger("chat.x").info("answer", extra={"reason": CANARY * 40}),
    "an exception of ours": lambda: _logged_exception("chat.inference"),
    "a library's exception": lambda: _logged_exception("sqlalchemy.engine"),
    "SQL with its values": lambda: logging.getLogger("sqlalchemy.engine.Engine").info("[raw] (%r,)", CANARY),
    "gunicorn's own lines": lambda: logging.getLogger("gunicorn.error").error("Error handling request %s", CANARY),
    "gunicorn's line with the words in it": lambda: logging.getLogger("gunicorn.error").debug(f"{CANARY} is 100% done"),
    "gunicorn's access log": lambda: logging.getLogger("gunicorn.access").info("%(U)s", {"U": CANARY}),
    "a migration's line": lambda: logging.getLogger("alembic.runtime.migration").warning(f"{CANARY} 100%"),
    "werkzeug's request line": lambda: logging.getLogger("werkzeug").error("GET /?q=%s", CANARY),
    "the root logger": lambda: logging.getLogger().warning(CANARY),
    "a warning": lambda: warnings.showwarning(UserWarning(CANARY), UserWarning, "file.py", 1),
    "a logger named after somebody": lambda: logging.getLogger("chatty").error(CANARY),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_content_does_not_come_through(leak: Callable[[], None], said: Callable[[], str]) -> None:
    leak()

    assert CANARY not in said()


def _in_a_thread() -> None:
    thread = threading.Thread(target=_raise)
    thread.start()
    thread.join()


def _while_tidying_up() -> None:
    class Untidy:
        def __del__(self) -> None:
            _raise()

    Untidy()


def _at_the_end() -> None:
    try:
        _raise()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)


@pytest.mark.parametrize("fail", [_in_a_thread, _while_tidying_up, _at_the_end])
def test_what_nobody_caught_is_logged_without_its_text(fail: Callable[[], None], said: Callable[[], str]) -> None:
    log_what_nobody_caught()

    fail()

    assert "builtins.ValueError" in said()
    assert CANARY not in said()


def test_a_handler_that_a_library_adds_sees_no_content_either(said: Callable[[], str]) -> None:
    seen: list[str] = []
    spy = logging.Handler()
    spy.emit = lambda record: seen.append(repr(vars(record)))  # type: ignore[method-assign]
    logger = logging.getLogger("some.library")
    logger.addHandler(spy)

    try:
        _raise()
    except ValueError:
        logger.exception("failed with %s", CANARY)
    finally:
        logger.removeHandler(spy)

    assert seen
    assert CANARY not in seen[0]


def test_what_helps_an_operator_stays(said: Callable[[], str]) -> None:
    try:
        _raise()
    except ValueError:
        logging.getLogger("chat.errors").exception("unexpected failure", extra={"route": "/c/<public_id>", "status": 500})

    assert "unexpected failure" in said()
    assert "/c/<public_id>" in said()
    assert "builtins.ValueError" in said()
    assert "because of KeyError" in said()
    assert "test_logs.py" in said()


@pytest.mark.parametrize("said", [False], indirect=True)
def test_captured_lines_are_json(said: Callable[[], str]) -> None:
    logging.getLogger("chat.access").info("request", extra={"method": "GET", "status": 200})

    line = json.loads(said())
    assert (line["level"], line["message"], line["method"], line["status"]) == ("INFO", "request", "GET", 200)


def test_every_message_of_ours_is_a_fixed_sentence() -> None:
    """A message put together in the code would carry what it was put together from."""
    faults = [
        f"{module.file}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS
        if isinstance(node.func.value, ast.Name) and node.func.value.id in ("log", "logger", "_access", "logging")
        if not (len(node.args) == 1 and isinstance(node.args[0], ast.Constant))
    ]

    assert not faults, faults


def test_nothing_is_printed_past_the_firewall() -> None:
    faults = [
        place
        for module in modules()
        if module.path.name not in ("cli.py", "serving.py", "factory.py") and module.file not in SPEAK_TO_THE_OPERATOR
        for place in module.calls("print", "secho", "echo", "print_exc", "print_exception", "format_exc")
    ]

    assert not faults, faults


SPEAK_TO_THE_OPERATOR = {
    "accounts/mail.py": "without a mail server the operator reads outgoing mail at the console",
    "kernel/check_document.py": "a program of its own, for whoever holds a signed document",
    "consent/check_ledger.py": "a program of its own, for whoever kept their receipts",
}
