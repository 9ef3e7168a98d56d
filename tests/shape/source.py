"""The source of the product as trees, for the tests that read it."""

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from chat.kernel.settings import ROOT


@dataclass(frozen=True)
class Module:
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        """Its dotted name, like `chat.kernel.db`."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        """The part of the product it belongs to, like `kernel`; a module at the top stands for itself."""
        return self.name.split(".")[1] if "." in self.name else "chat"

    @property
    def file(self) -> str:
        return self.path.relative_to(ROOT / "chat").as_posix()

    def calls(self, *names: str) -> list[str]:
        """Where it calls something with one of these last names: `f()`, `a.f()`, `a.b.f()`."""
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return [f"{self.file}:{call.lineno}" for call in calls if _called(call) in names]


@cache
def modules() -> list[Module]:
    """Every module of the product except migrations, which stand outside it."""
    folder = ROOT / "chat"
    return [Module(path) for path in sorted(folder.rglob("*.py")) if "migrations" not in path.relative_to(folder).parts]


def _called(call: ast.Call) -> str | None:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None
