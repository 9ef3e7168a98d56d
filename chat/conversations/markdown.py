"""Markdown from people and models, as HTML that is safe to put on a page.

Nothing it returns can run, load anything, or look like our own controls: the parser knows no raw HTML and no images, and
nh3 lets through only what is named here. It takes bounded time and never raises; what is too large or deep is shown as it is.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

from chat.conversations.formulas import add_formulas
from chat.conversations.highlight import CLASSES, Allowance, code_figure

LONGEST = 120_000  # characters, some forty pages; the worst text of this length takes about two seconds
DEEPEST = 40  # levels of quotes and lists (a list counts twice); below this the parser would drop text
SCHEMES = {"http", "https", "mailto"}
HOST = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?")
ALIGNMENTS = {"align-left", "align-center", "align-right"}
TASK = re.compile(r"\[([ xX])\]\s+")

LENGTH = re.compile(r"[+-]?\d?(\.\d{1,4})?(em|ex|pt|px|%)?")
WORD = re.compile(r"[a-z0-9 ]{1,20}")
MATH_TAGS = {
    "math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mprescripts", "mroot",
    "mrow", "ms",
    "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover",
    "none",
}  # fmt: skip
MATH_LENGTHS = {"width", "height", "depth", "lspace", "rspace", "voffset", "minsize", "maxsize", "linethickness"}
MATH_WORDS = {
    "accent", "columnalign", "columnlines", "display", "displaystyle", "fence", "largeop", "mathvariant", "movablelimits",
    "notation", "rowlines", "scriptlevel", "separator", "stretchy", "symmetric",
}  # fmt: skip
TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


class _Parser(MarkdownIt):
    """CommonMark with our idea of a link: absolute, of three schemes, and shown as what it is."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's name
        try:
            parts = urlsplit(url.strip())
        except ValueError:
            return False
        # HOST leaves out user names: `https://bank.example@elsewhere.example` leads elsewhere.
        return parts.scheme == "mailto" or (parts.scheme in SCHEMES and HOST.fullmatch(parts.netloc) is not None)

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the parser's name
        # Decoding punycode and escapes would let a link show another site's name.
        return link


def _make_parser() -> _Parser:
    parser = _Parser("commonmark", {"html": False, "maxNesting": DEEPEST})
    parser.enable(["table", "strikethrough"])
    add_formulas(parser)
    parser.core.ruler.push("tasks", _tasks)
    parser.core.ruler.push("pictures", _pictures)
    parser.core.ruler.push("alignment", _alignment)
    parser.add_render_rule("fence", _render_fence)
    parser.add_render_rule("code_block", _render_fence)
    parser.add_render_rule("task", _render_task)
    parser.add_render_rule("table_open", _render_table_open)
    parser.add_render_rule("table_close", _render_table_close)
    return parser


def render_markdown(text: str) -> Markup:
    """Return `text` as HTML for a page. The caller adds nothing and escapes nothing."""
    if len(text) > LONGEST:
        return _plain(text)
    env: dict[str, Any] = {}
    try:
        tokens = _PARSER.parse(text, env)
        if any(token.level >= DEEPEST - 1 for token in tokens):
            return _plain(text)
        html = _PARSER.renderer.render(tokens, _PARSER.options, env)
    except Exception:  # noqa: BLE001 - whatever a parser rule stumbles over, people must still see the text
        return _plain(text)
    return Markup(_GATE.clean(html))  # noqa: S704 - this is the gate


def plain_text(markdown: str) -> str:
    """Return the words of `markdown` on one line, without marks, code blocks and addresses."""
    try:
        tokens = _PARSER.parse(markdown[:LONGEST], {})
    except Exception:  # noqa: BLE001 - as above
        return " ".join(markdown.split())
    return " ".join(" ".join(_words(tokens)).split())


def _words(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "inline":
            yield "".join(_word(child) for child in token.children or ())
        elif token.type == "formula":
            yield token.content


def _word(token: Token) -> str:
    return " " if token.type in ("softbreak", "hardbreak") else token.content


def _plain(text: str) -> Markup:
    return Markup('<pre class="plain" tabindex="0">{}</pre>').format(text.replace("\0", "\ufffd"))


def _tasks(state: StateCore) -> None:
    """Turn `[ ]` and `[x]` at the start of a list item into a mark. (The common plugin takes quadratic time.)"""
    for item, paragraph, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if item.type != "list_item_open" or paragraph.type != "paragraph_open" or not inline.children:
            continue
        first = inline.children[0]
        if first.type == "text" and (mark := TASK.match(first.content)):
            first.content = first.content[mark.end() :]
            inline.children.insert(0, Token("task", "span", 0, info=mark[1].lower().strip()))
            item.attrSet("class", "task")


def _pictures(state: StateCore) -> None:
    """Turn each image into a link to it: loading it would tell its server who reads this, and when."""
    for inline in state.tokens:
        if inline.children and any(child.type == "image" for child in inline.children):
            inline.children = list(_without_pictures(inline.children))


def _without_pictures(children: list[Token]) -> Iterator[Token]:
    links = 0
    for child in children:
        links += child.nesting if child.type in ("link_open", "link_close") else 0
        if child.type != "image":
            yield child
            continue
        label = Token("text", "", 0, content=f"image: {child.content}" if child.content else "image")
        if links:
            yield label
        else:
            yield from (Token("link_open", "a", 1, attrs={"href": child.attrs["src"]}), label, Token("link_close", "a", -1))


def _alignment(state: StateCore) -> None:
    """Say a cell's alignment by a class: the page's policy allows no inline style."""
    for token in state.tokens:
        if token.type in ("th_open", "td_open") and "style" in token.attrs:
            token.attrs = {"class": str(token.attrs["style"]).replace("text-align:", "align-")}


def _render_fence(_self: Any, tokens: Any, index: int, _options: Any, env: Any) -> str:
    return code_figure(tokens[index].content, tokens[index].info, env.setdefault("highlighting", Allowance()))


def _render_task(_self: Any, tokens: Any, index: int, _options: Any, _env: Any) -> str:
    done = bool(tokens[index].info)
    return f'<span class="task-mark" role="img" aria-label="{"Done" if done else "To do"}">{"☑" if done else "☐"}</span> '


def _render_table_open(*_: Any) -> str:
    # A wide table scrolls in its own frame, which the keyboard can reach.
    return '<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n'


def _render_table_close(*_: Any) -> str:
    return "</table></div>\n"


def _filter(tag: str, attribute: str, value: str) -> str | None:
    """The values that the allow-list below lets attributes have."""
    if tag == "code" and attribute == "class":
        return value if re.fullmatch(r"formula|language-[a-z0-9+#._-]{1,30}", value) else None
    if tag in MATH_TAGS and attribute in MATH_LENGTHS:
        return value if LENGTH.fullmatch(value) else None
    if tag in MATH_TAGS and attribute in MATH_WORDS:
        return value if WORD.fullmatch(value) else None
    if attribute == "start":
        return value if re.fullmatch(r"\d{1,9}", value) else None
    return value


_PARSER = _make_parser()
_GATE = nh3.Cleaner(
    tags=TAGS | MATH_TAGS,
    clean_content_tags={"script", "style"},
    attributes={
        "a": {"href"},
        "code": {"class"},
        "ol": {"start"},
        "math": MATH_WORDS,
        **dict.fromkeys(MATH_TAGS - {"math"}, MATH_LENGTHS | MATH_WORDS),
    },
    tag_attribute_values={
        "div": {"class": {"table", "formula"}, "role": {"group"}, "aria-label": {"Table", "Formula"}, "tabindex": {"0"}},
        "figure": {"class": {"code"}},
        "li": {"class": {"task"}},
        "pre": {"tabindex": {"0"}},
        "span": {"class": CLASSES | {"task-mark"}, "role": {"img"}, "aria-label": {"Done", "To do"}},
        "td": {"class": ALIGNMENTS},
        "th": {"class": ALIGNMENTS},
    },
    attribute_filter=_filter,
    url_schemes=SCHEMES,
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
    strip_comments=True,
)
