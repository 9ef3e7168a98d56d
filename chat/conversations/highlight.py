"""Code as a figure with its language and Pygments' short classes; colours come from highlight.css alone.

Lexers are regular expressions over hostile text: only the languages named here are used, and only for a while. Each was tried
on long repetitions first; MATLAB's is missing because it did not come back.
"""

import time
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, Token, _TokenType
from pygments.util import ClassNotFound

LONGEST = 100_000  # characters of one block
LONGEST_LINE = 5_000  # minified code: some lexers take time that grows with the square of a line
SECONDS_TOGETHER = 0.4  # of highlighting in one text; what comes after is shown plain

LANGUAGES = {
    "bash", "c", "cpp", "csharp", "css", "dart", "diff", "docker", "elixir", "erlang", "fortran", "go", "graphql", "groovy",
    "haskell", "html", "http", "ini", "java", "javascript", "json", "julia", "kotlin", "latex", "lua", "make", "markdown",
    "nginx", "nix", "objective-c", "ocaml", "perl", "php", "powershell", "protobuf", "python", "pycon", "r", "ruby",
    "rust", "scala", "scheme", "sql", "swift", "terraform", "toml", "tsx", "typescript", "vb.net", "xml", "yaml", "zig",
}  # fmt: skip
ALSO = {
    "c#": "csharp", "c++": "cpp", "cs": "csharp", "console": "bash", "dockerfile": "docker", "golang": "go", "hcl": "terraform",
    "js": "javascript", "jsx": "tsx", "kt": "kotlin", "makefile": "make", "md": "markdown", "objc": "objective-c",
    "patch": "diff", "postgresql": "sql", "ps1": "powershell", "py": "python", "python3": "python", "rb": "ruby", "rs": "rust",
    "sh": "bash", "shell": "bash", "sqlite": "sql", "svg": "xml", "tex": "latex", "ts": "typescript", "yml": "yaml",
    "zsh": "bash",
}  # fmt: skip
CLASSES = frozenset(STANDARD_TYPES.values()) - {""}


@dataclass
class Allowance:
    """The seconds of highlighting that are left for one text."""

    left: float = SECONDS_TOGETHER


def code_figure(code: str, info: str, allowance: Allowance) -> str:
    """Return the figure for a block of `code` whose fence says `info`; its first word is the language."""
    label = _label(info)
    caption = f"<figcaption>{escape(label)}</figcaption>" if label else ""
    language = f' class="language-{escape(label)}"' if label else ""
    # Wide code scrolls in its own frame, which the keyboard can reach.
    inside = _highlight(code, label, allowance)
    return f'<figure class="code">{caption}<pre tabindex="0"><code{language}>{inside}</code></pre></figure>\n'


def _label(info: str) -> str:
    word = (info.split() or [""])[0].strip("{}.").lower()[:30]
    return word if all(character.isalnum() or character in "+#-._" for character in word) and word.isascii() else ""


def _highlight(code: str, label: str, allowance: Allowance) -> str:
    lexer = _lexer(ALSO.get(label, label))
    too_long = len(code) > LONGEST or max(map(len, code.splitlines()), default=0) > LONGEST_LINE
    if lexer is None or too_long or allowance.left <= 0:
        return escape(code)
    began = time.monotonic()
    pieces: list[str] = []
    spent = 0
    for _, kind, value in lexer.get_tokens_unprocessed(code):
        if time.monotonic() - began > allowance.left:
            break
        pieces.append(_piece(kind, value))
        spent += len(value)
    allowance.left -= time.monotonic() - began
    return Markup("").join([Markup(piece) for piece in pieces]) + escape(code[spent:])  # noqa: S704 - each piece is escaped


def _piece(kind: _TokenType, value: str) -> str:
    name = _class(kind)
    return f'<span class="{name}">{escape(value)}</span>' if name else str(escape(value))


@cache
def _class(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    return "" if kind in (Token, Token.Text, Token.Text.Whitespace, Token.Error) else STANDARD_TYPES[kind]


@cache
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language) if language in LANGUAGES else None
    except ClassNotFound:
        return None
