"""Who may know whom: a package imports only from rows above it, and no two modules import each other round about."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

from chat.kernel.settings import ROOT
from tests.shape.source import Module, modules

ROWS = (
    {"kernel"},
    {"accounts", "providers"},
    {"consent", "metering"},
    {"billing", "diagnostics", "analytics"},
    {"inference"},
    {"conversations", "assistants", "gateway", "requests"},
    {"retention", "datarights", "policy", "announcements", "admin", "jobs", "improvement"},
    {"features", "factory", "cli", "chat"},
)
# These read declarations and name no feature. `admin` and `improvement` do: an operator's act is about something, and what
# leaves for improvement is conversations (docs/adr/0011).
BLIND = {"retention", "datarights", "policy", "announcements", "jobs"}
SEEN_BY_THE_BLIND = {"kernel", "accounts", "consent", "providers"}
# What stands at a feature's edge: nothing further in may know it.
EDGE = re.compile(r"(views(_\w+)?|api|cli|jobs|feature)$")
# Imports inside a function hide from a reader what a module needs. Each of these spares a process 100 ms or more, or a
# library that the site does not use at all.
LAZY = {
    "kernel/migrate.py": "a process that serves never migrates, and Alembic takes memory and start-up time",
    "conversations/attachments.py": "the PDF parser is for those who attach one",
    "policy/scratch/client.py": "servers know the promises' checks, for the policy's page, and never visit anybody",
    "providers/catalogue.py": "providers and the engine cost up to half a second to import: only what is offered is loaded",
}
COMMITS = re.compile(r"(.*/(views(_\w+)?|api|cli|jobs)\.py|inference/run\.py)$")

# Who may ask Flask for the request, the session and the person behind them.
ASKED = re.compile(r"^(kernel/.*|factory|.*/(views(_\w+)?|api|page))(\.py)?$")
KNOW_WHO_ASKS = {
    "accounts/sessions.py": "gives the signed-in account its type",
    "accounts/devices.py": "is asked by Flask-Login with each request whether the sign-in still holds",
    "accounts/security.py": "Flask-Security's hooks carry no request of their own",
    "accounts/mail.py": "mailed links are built from the address the site is reached at, checked against the settings",
    "gateway/guard.py": "finds who calls by the key in the request's headers, and by nothing else of it",
    "accounts/forms.py": "Flask-Security's forms carry no request of their own",
}


def test_a_package_imports_only_from_rows_above_it() -> None:
    faults = [
        f"{module.file} imports {name}"
        for module in modules()
        for name in _imports(module)
        if module.package != _package(name) and _row(_package(name)) >= _row(module.package)
        if module.package not in ROWS[-1]
    ]

    assert not faults, faults


def test_blind_packages_name_no_feature() -> None:
    faults = [
        f"{module.file} imports {name}"
        for module in modules()
        if module.package in BLIND
        for name in _imports(module)
        if _package(name) not in SEEN_BY_THE_BLIND | {module.package}
    ]

    assert not faults, faults


def test_nothing_imports_what_stands_at_a_features_edge() -> None:
    faults = [
        f"{module.file} imports {name}"
        for module in modules()
        if module.package not in ROWS[-1]
        for name in _imports(module)
        if EDGE.search(name) and _package(name) != "kernel"
        if not (EDGE.search(module.name) and module.package == _package(name))
    ]

    assert not faults, faults


def test_models_know_no_module_that_knows_them() -> None:
    assert not (cycles := list(_cycles())), cycles


def test_nothing_is_imported_inside_a_function_without_a_reason() -> None:
    faults = [
        f"{module.file}:{inner.lineno}"
        for module in modules()
        if module.file not in LAZY
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for inner in ast.walk(node)
        if isinstance(inner, (ast.Import, ast.ImportFrom))
    ]

    assert not faults, faults


def test_a_site_on_sqlite_loads_no_client_of_other_servers() -> None:
    """Redis' client and PostgreSQL's take 16 MB of each process, whether or not they are used."""
    names = ("redis", "valkey", "psycopg", "alembic", "httpx2")
    program = f"import sys, chat.factory; print([name for name in {names} if name in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert loaded == "[]\n"


def test_imports_of_our_own_are_absolute_and_packages_empty() -> None:
    relative = [
        f"{module.file}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    filled = [one.file for one in modules() if one.path.name == "__init__.py" and one.tree.body]

    assert not relative, relative
    assert not filled, filled


def test_transactions_end_at_the_edge() -> None:
    faults = [place for module in modules() if not COMMITS.match(module.file) for place in module.calls("commit")]

    assert not faults, faults


def test_only_views_and_guards_know_who_is_asking() -> None:
    faults = [
        f"{module.file} imports {', '.join(sorted(names))}"
        for module in modules()
        if not ASKED.search(module.file) and module.file not in KNOW_WHO_ASKS
        for names in [_names_from_flask(module) & {"current_user", "request", "session", "flash"}]
        if names
    ]

    assert not faults, faults


def test_one_module_reads_addresses() -> None:
    """The profile says how much of an IP address may be written down; whoever read one elsewhere could write more."""
    reading = [
        module.file
        for module in modules()
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("remote_addr", "access_route"))
        or (isinstance(node, ast.Constant) and node.value in ("REMOTE_ADDR", "X-Forwarded-For"))
    ]

    assert set(reading) == {"kernel/network.py"}


def _names_from_flask(module: Module) -> set[str]:
    nodes = [node for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in nodes if node.module in ("flask", "flask_login") for alias in node.names}


def _row(package: str) -> int:
    for number, row in enumerate(ROWS):
        if package in row:
            return number
    raise AssertionError(f"chat/{package} has no row in the layer table: give it one here and in the design")


def _package(name: str) -> str:
    return name.split(".")[1]


@cache
def _imports(module: Module) -> tuple[str, ...]:
    """The modules of ours that it imports when it runs; `if TYPE_CHECKING:` does not run."""
    return tuple(dict.fromkeys(name for node in _running(module.tree) for name in _named(node, _names())))


@cache
def _names() -> frozenset[str]:
    return frozenset(one.name for one in modules())


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _running(child)


def _named(node: ast.AST, known: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.startswith("chat."))
    elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "chat":
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in known else str(node.module)


def _cycles() -> Iterator[str]:
    known = {one.name: one for one in modules()}
    finished: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> Iterator[str]:
        if name in path:
            yield " → ".join((*path[path.index(name) :], name))
        elif name in known and name not in finished:
            for imported in _imports(known[name]):
                yield from walk(imported, (*path, name))
            finished.add(name)

    for name in known:
        yield from walk(name, ())
