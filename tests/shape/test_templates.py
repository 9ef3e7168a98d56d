"""Every template is a page on a layout or a piece of one, says nothing inline, and escapes what it prints."""

import ast
import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from chat.kernel.settings import ROOT
from tests.shape.source import modules

TEMPLATES = ROOT / "templates"
HTML = sorted(TEMPLATES.rglob("*.html"))
each_template = pytest.mark.parametrize("path", HTML, ids=lambda path: path.relative_to(TEMPLATES).as_posix())
# Where something is printed as it is, and why it is safe.
SAFE: dict[str, str] = {}
MARKUP: dict[str, str] = {
    "conversations/markdown.py": "an answer's HTML, through nh3's allow-list",
    "conversations/highlight.py": "spans of code, each piece escaped",
    "conversations/search.py": "an excerpt with its words marked, each piece escaped",
}
INLINE = {
    "a script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "a style": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"<[^>{]*\sstyle\s*=", re.IGNORECASE),
    "a handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
}


@each_template
def test_a_page_extends_a_layout(path: Path) -> None:
    parsed = _parse(path)
    extends = [node.template.value for node in parsed.find_all(nodes.Extends) if isinstance(node.template, nodes.Const)]

    is_piece = path.name.startswith("_") or path.parent.name == "macros"
    if path == TEMPLATES / "layouts/base.html" or is_piece:
        assert not extends
    else:
        assert len(extends) == 1
        assert extends[0].startswith("layouts/")


@each_template
def test_nothing_is_inline(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)

    assert not [what for what, pattern in INLINE.items() if pattern.search(text)]


@each_template
def test_what_is_printed_is_escaped(path: Path) -> None:
    parsed = _parse(path)
    raw = [node for node in parsed.find_all(nodes.Filter) if node.name == "safe"]
    switched_off = list(parsed.find_all((nodes.ScopedEvalContextModifier, nodes.MarkSafe)))

    assert not switched_off
    assert not raw or path.relative_to(TEMPLATES).as_posix() in SAFE


def test_html_is_made_in_code_only_where_it_is_shown_to_be_safe() -> None:
    faults = [place for module in modules() if module.file not in MARKUP for place in module.calls("Markup")]

    assert not faults, faults


def test_every_template_that_code_names_exists_and_every_page_is_named() -> None:
    named = {
        node.value
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w/]+\.(html|txt)", node.value)
    }
    pages = {path.relative_to(TEMPLATES).as_posix() for path in HTML}
    pages = {name for name in pages if not re.match(r"(layouts|macros|security)/|.*/_", name)}

    assert not [name for name in named if "/" in name and not (TEMPLATES / name).exists()]
    assert not pages - named, "nothing shows these"


def _parse(path: Path) -> nodes.Template:
    environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    return environment.parse(path.read_text(encoding="utf-8"))
