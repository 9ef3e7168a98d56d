"""Formulas in Markdown: `$…$`, `$$…$$`, `\\(…\\)`, `\\[…\\]` and amsmath environments, turned into MathML.

What cannot be converted, or could cost too much to convert, is shown as its source. Prices stay text.
"""

import html
import re
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import tostring

from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markupsafe import escape

LONGEST = 3_000  # characters of one formula; a page of algebra has less
LONGEST_TOGETHER = 30_000  # characters of formulas in one text: conversion costs about 20 µs each
DEEPEST = 30  # open braces, environments and scripts; the converter recurses on each
MOST_LINES = 200

# Definitions expand without a bound in the converter; \href, \style and \class make attributes we would take out again.
REFUSED = re.compile(r"\\(?:def|[a-z]*newcommand|newenvironment|DeclareMathOperator|href|style|class)(?![a-zA-Z])")
OPENING = re.compile(r"[{_^]|\\(?:left|begin|sqrt|[cdt]?frac|color|not|math[a-z]*)(?![a-zA-Z])")
ENVIRONMENT = re.compile(
    r"\\begin\{((?:equation|multline|gather|align|alignat|flalign|eqnarray|[pbBvV]?matrix|cases|split|aligned|gathered)\*?)\}"
)
INLINE_MARKS = {r"\(": r"\)", r"\[": r"\]"}
AMOUNT_AND_WORDS = re.compile(r"\d[\d.,]*\s.*[A-Za-z]{2}", re.DOTALL)
SAYS_MATH = re.compile(r"[\\^_=+*<>{]")


@dataclass
class Budget:
    """What formulas may still cost in one text; kept in the parser's `env`, so that parsers stay stateless."""

    left: int = LONGEST_TOGETHER


def add_formulas(parser: MarkdownIt) -> None:
    """Teach `parser` the formula rules. The render rules expect nothing of the caller but one `env` per text."""
    parser.inline.ruler.before("escape", "formula", _inline_rule)
    parser.block.ruler.before("fence", "formula", _block_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    parser.add_render_rule("formula", _render)


def formula_html(source: str, *, display: bool, budget: Budget) -> str:
    """Return MathML for `source`, or the source itself as code. Never raises."""
    budget.left -= len(source)
    if budget.left >= 0 and _is_cheap(source):
        try:
            tree = convert_to_element(source, display="block" if display else "inline")
            for element in tree.iter():
                # The converter writes character references as text; as markup they would be decoded a second time.
                element.text = html.unescape(element.text) if element.text else element.text
            return tostring(tree, encoding="unicode")
        except Exception:  # noqa: BLE001, S110 - on unfinished LaTeX the converter raises StopIteration, IndexError, anything
            pass
    return f'<code class="formula">{escape(source)}</code>'


def _is_cheap(source: str) -> bool:
    if len(source) > LONGEST or REFUSED.search(source):
        return False
    depth = deepest = run = 0
    end = -1
    for mark in re.finditer(r"[{}]|\\left(?![a-z])|\\right(?![a-z])|\\begin|\\end", source):
        depth += 1 if mark[0] in ("{", r"\left", r"\begin") else -1
        deepest = max(deepest, depth)
    for mark in OPENING.finditer(source):
        # Marks without anything between them (`^^^^`, `\frac\frac`) recurse as deeply as braces do.
        run = run + 1 if mark.start() - end <= 1 else 0
        end = mark.end()
        deepest = max(deepest, run)
    return deepest <= DEEPEST


def _inline_rule(state: StateInline, silent: bool) -> bool:
    opening = state.src[state.pos : state.pos + 2]
    if opening in INLINE_MARKS:
        return _take(state, silent, opening, INLINE_MARKS[opening])
    if opening == "$$":
        return _take(state, silent, "$$", "$$")
    return opening.startswith("$") and _take_dollar(state, silent)


def _take(state: StateInline, silent: bool, opening: str, closing: str) -> bool:
    start = state.pos + len(opening)
    end = state.src.find(closing, start, min(start + LONGEST, state.posMax))
    if end < 0 or not state.src[start:end].strip() or state.src[start:end].isdigit():
        return False  # `\[1\]` is an escaped footnote mark
    return _push(state, silent, end, closing, display=opening in ("$$", r"\["))


def _take_dollar(state: StateInline, silent: bool) -> bool:
    """Pandoc's rule and a little more: no space inside the dollars, no letter or digit outside, no sum of money."""
    src, start = state.src, state.pos + 1
    if (state.pos and (src[state.pos - 1].isalnum() or src[state.pos - 1] == "$")) or src[start : start + 1].isspace():
        return False
    end = src.find("$", start, min(start + LONGEST, state.posMax))
    while end > 0 and src[end - 1] == "\\":
        end = src.find("$", end + 1, min(start + LONGEST, state.posMax))
    if end <= start or src[end - 1].isspace() or src[end + 1 : end + 2].isalnum() or src[end + 1 : end + 2] == "$":
        return False
    content = src[start:end]
    if AMOUNT_AND_WORDS.match(content) and not SAYS_MATH.search(content):
        return False
    return _push(state, silent, end, "$", display=False)


def _push(state: StateInline, silent: bool, end: int, closing: str, *, display: bool) -> bool:
    if not silent:
        token = state.push("formula", "math", 0)
        opening_length = len(closing)
        token.content = state.src[state.pos + opening_length : end].strip()
        token.meta = {"display": display}
    state.pos = end + len(closing)
    return True


def _block_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A formula on lines of its own, so that a line of it beginning with `-` or `=` is no list and no heading."""
    first = _line(state, start)
    if state.is_code_block(start):
        return False
    if first.startswith(("$$", r"\[")):
        opening, closing = first[:2], "$$" if first[0] == "$" else r"\]"
    elif environment := ENVIRONMENT.match(first):
        opening, closing = "", rf"\end{{{environment[1]}}}"
    else:
        return False
    lines = _lines_until(closing, state, start, end, skip=len(opening))
    if lines and not silent:
        token = state.push("formula", "math", 0)
        token.block = True
        source = "\n".join(lines).strip()
        token.content = source.removesuffix(closing).strip() if opening else source
        token.meta = {"display": True}
        token.map = [start, start + len(lines)]
        state.line = start + len(lines)
    return bool(lines)


def _lines_until(closing: str, state: StateBlock, start: int, end: int, *, skip: int) -> list[str]:
    """Return the lines from `start` to the one that ends with `closing`, or nothing when there is none near enough."""
    begins = state.bMarks[start] + state.tShift[start] + skip
    if state.src.find(closing, begins, begins + LONGEST) < 0:
        return []  # without this look ahead, many unclosed openings would each read what follows
    lines = [_line(state, start)[skip:]]
    for line in range(start + 1, min(end, start + MOST_LINES)):
        if closing in lines[-1] or (state.sCount[line] < state.blkIndent and not state.isEmpty(line)):
            break
        lines.append(_line(state, line))
    return lines if lines[-1].endswith(closing) else []


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _render(_self: Any, tokens: Any, index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    inner = formula_html(token.content, display=token.meta["display"], budget=env.setdefault("formulas", Budget()))
    if token.block:
        # A wide one scrolls in its own frame, which the keyboard can reach.
        return f'<div class="formula" role="group" aria-label="Formula" tabindex="0">{inner}</div>\n'
    return inner
