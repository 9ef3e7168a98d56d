"""Nothing in the repository names the machine it was written on, or the registry that packages came from."""

import re
import subprocess

from chat.kernel.settings import ROOT

# Written in pieces, or this file would be its own first finding.
MACHINE = re.compile("|".join(rf"(?<![\w.]){folder}/" for folder in ("/" + "work", "/" + "root", "/" + "home/[a-z]")))
NAMES = ("py" + r"pi\.org", "python" + r"hosted\.org", r"registry\.npm" + r"js\.org", "index-" + "url", "_auth" + "Token")
REGISTRY = re.compile(rf"\b({'|'.join(NAMES)})\b")
# These name projects by their home page, as licences ask.
LICENCES = re.compile(r"(^|/)(LICENSE|NOTICE)|^static/vendor/")


def test_no_tracked_file_names_this_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    faults = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if LICENCES.search(name) or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        faults += [f"{name}: {found[0]}" for pattern in (MACHINE, REGISTRY) if (found := pattern.search(text))]

    assert not faults, faults
