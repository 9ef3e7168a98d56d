"""Nothing goes round the session, where rows whose time is up are hidden: each exception is named here, with its reason."""

import ast

from tests.shape.source import modules

ROUND = {
    "kernel/lifetimes.py": "makes the conditions",
    "kernel/ages.py": "looks for what should be gone, which no query sees",
    "kernel/db.py": "empties SQLite's journal",
    "kernel/migrate.py": "asks which version the database has",
    "jobs/turns.py": "the jobs' table has no lifetimes, and a claim must be committed at once",
    "metering/models.py": "names an index over an expression",
    "metering/totals.py": "names that index when it adds to a row",
    "retention/purge.py": "deletes what nobody sees any more",
    "datarights/removal.py": "asks in which order tables point to each other",
    "accounts/service.py": "asks which database it is",
    "metering/budgets.py": "decides by one conditional update, so that requests at the same moment cannot overspend",
    "metering/jobs.py": "settles what the clerk did not, by the clerk's own acts",
    "metering/current.py": "gives the clerk the engine: its transactions are those of many requests, in a thread of its own",
    "metering/ledger.py": "adds the row that was measured just now, and reads none",
    "inference/run.py": "gives the ledger the connection of what is stored with it",
    "accounts/devices.py": "writes the day of last use of the sign-in that was just found",
}
# What knows the table or the connection under the session, or writes SQL as text.
SIGNS = {"__table__", "engine", "connection", "text", "exec_driver_sql"}


def test_only_those_with_a_reason_go_round_the_session() -> None:
    found = {
        module.file
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in SIGNS and _is_of_the_database(node)
    }

    assert found == set(ROUND)


def test_only_those_with_a_reason_look_at_what_is_hidden() -> None:
    looking = {
        module.file
        for module in modules()
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.alias) and node.name == "EVEN_EXPIRED")
        or (isinstance(node, ast.Constant) and node.value == "even_expired")
    }

    assert looking == set(LOOKING)


LOOKING = {
    "kernel/lifetimes.py": "gives the option its meaning",
    "datarights/removal.py": "what is erased is gone also where it was hidden already",
    "conversations/history.py": "a turn's id is taken until its row is gone",
}


def _is_of_the_database(node: ast.Attribute) -> bool:
    if node.attr in ("__table__", "exec_driver_sql"):
        return True
    owner = node.value
    return (isinstance(owner, ast.Name) and owner.id in ("db", "sa")) or (
        isinstance(owner, ast.Attribute) and owner.attr == "session"
    )
