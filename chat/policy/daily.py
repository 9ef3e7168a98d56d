"""Checking the promises once a day, in a process of its own that takes only what the machine has to spare."""

import os
import subprocess
import sys

from chat.kernel.settings import ROOT
from chat.kernel.site import current_site

JOB = "policy.verify"
# One at a time. Kept so that its end is noticed: a child nobody waits for stays in the process table.
_running: "subprocess.Popen[bytes] | None" = None


def verify_gently() -> int:
    """Start the checks and return at once: jobs run one after the other, and mail must not wait for minutes."""
    global _running
    if _running is not None and _running.poll() is None:
        return 0
    settings = {name.upper(): str(value) for name, value in current_site().settings.model_dump().items() if value is not None}
    environment = {name: value for name, value in os.environ.items() if name not in ("SERVER_SOFTWARE", "FLASK_RUN_FROM_CLI")}
    _running = subprocess.Popen(  # noqa: S603  # our own interpreter, our own command
        [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), "privacy", "verify", "--gently", "--quiet"],
        env=environment | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    return 1
