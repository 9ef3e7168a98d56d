"""The scratch instance's own process: `python -m chat.policy.scratch.child PORT`, the real application behind a real server.

Its standard input takes orders, one JSON object a line, and each is answered by one on what was its standard output: to move
its clock, or to run one of the application's commands. Nobody else can reach them; the application itself has no such door.
"""

import json
import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from flask import Flask
from flask.cli import ScriptInfo
from werkzeug.serving import make_server

from chat.kernel import clock
from chat.kernel.feature import current_jobs
from chat.kernel.logs import log_what_nobody_caught
from chat.kernel.settings import ROOT


class _Clock:
    """The true time, and what was added to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def main() -> None:
    # What the application prints belongs to what it wrote; only answers go to whoever started this.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    moved = _Clock()
    with clock.running(moved):
        app = ScriptInfo(app_import_path=str(ROOT / "app.py")).load_app()
        log_what_nobody_caught()
        if not str(app.config["SQLALCHEMY_DATABASE_URI"]).startswith("sqlite"):
            with app.app_context():
                app.test_cli_runner().invoke(args=["db", "upgrade"], catch_exceptions=False)
        server = make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _answer(answers, {"ready": True})
        _obey(app, moved, answers)


def _obey(app: Flask, moved: _Clock, answers: IO[str]) -> None:
    for line in sys.stdin:
        order = json.loads(line)
        match order["do"]:
            case "advance":
                moved.ahead += timedelta(seconds=order["seconds"])
                _answer(answers, {"now": clock.now().isoformat()})
            case "jobs":
                with app.app_context():
                    _answer(answers, {"jobs": [job.name for job in current_jobs()]})
            case "routes":
                rules = ((rule.rule, sorted((rule.methods or set()) & {"GET", "POST"})) for rule in app.url_map.iter_rules())
                _answer(answers, {"routes": sorted(rules)})
            case "command":
                _answer(answers, _command(app, order["args"], order["input"]))


def _command(app: Flask, args: list[str], stdin: str) -> dict[str, Any]:
    with app.app_context():  # which `flask` would have made
        result = app.test_cli_runner().invoke(args=args, input=stdin)
    trouble = "" if result.exception is None or isinstance(result.exception, SystemExit) else repr(result.exception)
    return {"output": result.output + trouble, "status": result.exit_code}


def _answer(answers: IO[str], what: dict[str, Any]) -> None:
    answers.write(json.dumps(what) + "\n")


if __name__ == "__main__":
    main()
