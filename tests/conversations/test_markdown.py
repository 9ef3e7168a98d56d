"""Markdown as HTML: what people see, and what hostile text cannot do."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.conversations.markdown import plain_text, render_markdown
from chat.conversations.titles import title_from


def test_common_marks_become_html() -> None:
    html = render_markdown("# Hi *there*\n\n1. **a**\n2. ~~b~~\n\n> quote")

    assert "<h1>Hi <em>there</em></h1>" in html
    assert "<li><strong>a</strong></li>" in html
    assert "<s>b</s>" in html
    assert "<blockquote>" in html


def test_a_table_scrolls_in_a_frame_of_its_own_and_keeps_alignment_without_inline_style() -> None:
    html = render_markdown("|a|b|\n|-|-:|\n|1|2|")

    assert '<div class="table" role="group" aria-label="Table" tabindex="0"><table>' in html
    assert '<td class="align-right">2</td>' in html
    assert "style" not in html


def test_tasks_say_whether_they_are_done() -> None:
    html = render_markdown("- [x] bread\n- [ ] butter\n- [link](http://a.b)")

    assert 'aria-label="Done">☑</span> bread' in html
    assert 'aria-label="To do">☐</span> butter' in html
    assert html.count("task-mark") == 2


def test_code_is_a_figure_with_its_language_and_classes() -> None:
    html = render_markdown("```python\ndef f(): return '<b>'\n```")

    opening = '<figure class="code"><figcaption>python</figcaption><pre tabindex="0"><code class="language-python">'
    assert html.startswith(opening)
    assert '<span class="k">def</span>' in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize(
    "fence",
    ["```nope\nx = 1\n```", "    x = 1\n", "```python\n" + "x = 1\n" * 18_000 + "```", "```python\n" + "x" * 6_000 + "\n```"],
    ids=["unknown language", "indented", "too large", "too long a line"],
)
def test_code_that_is_not_highlighted_stays_whole(fence: str) -> None:
    html = render_markdown(fence)

    assert '<pre tabindex="0"><code' in html
    assert "<span" not in html
    assert shown(html).count("x") == fence.count("x")


def test_highlighting_loses_no_character() -> None:
    code = Path(__file__).read_text(encoding="utf-8")

    assert shown(render_markdown(f"~~~~~python\n{code}~~~~~")).removeprefix("python").strip() == code.strip()


@pytest.mark.parametrize(
    "source",
    [
        "$x^2$",
        r"\(x^2\)",
        "$$x^2$$",
        r"\[x^2\]",
        "$$\nx^2\n$$",
        "text\n\\[\nx^2\n\\]\nmore",
        "\\begin{align}\nx^2\n\\end{align}",
    ],
)
def test_formulas_become_mathml(source: str) -> None:
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in render_markdown(source)


def test_a_formula_on_its_own_lines_is_no_list_and_no_heading() -> None:
    html = render_markdown("$$\na\n- b\n= c\n$$")

    assert html.startswith('<div class="formula" role="group" aria-label="Formula" tabindex="0"><math display="block">')
    assert "<li>" not in html
    assert "<h" not in html


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.",
        "From $5-$10",
        "US$5 or 7$ each",
        "$5 or 10$ a month",
        "$HOME:$PATH",
        "a $ b $ c",
        r"\$x\$",
        "$5/$6",
    ],
)
def test_prices_and_variables_stay_text(text: str) -> None:
    html = render_markdown(text)

    assert "<math" not in html
    assert "<code" not in html


@pytest.mark.parametrize(
    "source", [r"\frac{", r"\left(", r"\def\a{\a\a}\a", r"\href{http://a.b}{x}", "{" * 500 + "}" * 500, "x^" * 900]
)
def test_a_formula_that_cannot_be_converted_shows_its_source(source: str) -> None:
    html = render_markdown(f"${source}$")

    assert '<code class="formula">' in html
    assert shown(html).strip() == source


def test_text_in_a_formula_cannot_become_markup() -> None:
    html = render_markdown(r"$$\text{<img src=x onerror=alert(1)>} a<b \text{&lt;script&gt;}$$")

    check(html)
    assert "&lt;img" in html


def test_raw_html_is_shown_as_text() -> None:
    html = render_markdown("<script>alert(1)</script> <b onclick=x>hi</b>\n\n<iframe src=//a.b></iframe>\n\n<!-- c -->")

    check(html)
    assert "<script>alert(1)</script>" in shown(html)
    assert "<!-- c -->" in shown(html)


def test_a_picture_is_a_link_that_loads_nothing() -> None:
    html = render_markdown("![a cat](https://a.b/c.png) [![in](http://c.d/e)](http://f.g)")

    check(html)
    assert '<a href="https://a.b/c.png" rel="noopener noreferrer nofollow">image: a cat</a>' in html
    assert '<a href="http://f.g" rel="noopener noreferrer nofollow">image: in</a>' in html


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScript:x",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "/log-out",
        "//a.b",
        "#x",
        "http:x",
        "java&#115;cript:x",
        "&#1;javascript:x",
        "ftp://a.b",
        "http://[",
        "https://",
        "https://bank.example@a.b",
    ],
)
def test_other_links_are_text(url: str) -> None:
    html = render_markdown(f"[a]({url}) <{url}> ![b]({url})\n\n[c]\n\n[c]: {url}")

    assert "<a " not in html


def test_a_link_shows_the_host_it_leads_to() -> None:
    assert ">http://xn--80ak6aa92e.com</a>" in render_markdown("<http://xn--80ak6aa92e.com>")


@pytest.mark.parametrize(
    "text",
    [
        "> " * 10_000 + "deep",
        "- " * 10_000 + "deep",
        "\n".join("  " * i + "- deep" for i in range(300)),
        "*" * 1_000_000 + "deep",
    ],
    ids=["quotes", "lists in a line", "lists", "a megabyte"],
)
def test_what_is_too_deep_or_too_large_is_shown_whole_as_plain_text(text: str) -> None:
    html = render_markdown(text)

    assert html.startswith('<pre class="plain" tabindex="0">')
    assert shown(html) == text


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "![",
        "[](",
        "[a][",
        "*a **b ",
        "`",
        "$",
        "$a",
        r"\(",
        "\\[\n",
        "$$\n",
        "- [ ] x\n",
        "|a",
        "#\n",
        "```python\nx='\n```\n",
        r"\begin{align}",
        "$x^2$ ",
        "<a",
        "&",
        "[a](http://b.c) ",
        "1. a\n",
    ],
)
def test_repetition_ends_and_is_safe(piece: str) -> None:
    check(render_markdown(piece * (30_000 // len(piece))))


@given(st.text(alphabet=st.sampled_from(list("*_`[]()<>!$\\{}^&#|-~:/\"'= \n\0\u202eaxé1")), max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_renders_to_safe_html(text: str) -> None:
    check(render_markdown(text))
    plain_text(text)


PIECES = [
    "<script>", "<img src=x onerror=a>", "javascript:a",
    "[a](", "![", "](", ")", "$", "$$", r"\text{", "}", r"\(", r"\)",
    "\\[\n", "\\]", "```python\n",
    "\n\n", "> ", "- [x] ", "|a|\n|-|\n", "</math>", "<math><mtext><style>", "<svg onload=a>",
    r"\color{red}", r"\frac", r"\begin{matrix}",
    r"\end{matrix}", "&lt;", "&#x3c;img src=x&#x3e;", "http://a.b", '"', "<!--", "-->", "]]>",
    r"\style{a:b}", r"\mspace{9999em}", r"\verb|<b>|",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@settings(max_examples=500, deadline=None)
def test_any_mixture_of_markup_renders_to_safe_html(text: str) -> None:
    check(render_markdown(text))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("How do I **bake** [bread](http://a.b)?", "How do I bake bread?"),
        ("# Plan\n\nbuy milk", "Plan buy milk"),
        ("```python\nx = 1\n```", "```python x = 1 ```"),
        ("", "New conversation"),
        ("word " * 30, "word word word word word word word word word word word word…"),
        ("x" * 100, "x" * 59 + "…"),
        ("a\u202eb\x07c", "abc"),
    ],
)
def test_a_title_is_the_first_words_without_marks(text: str, title: str) -> None:
    assert title_from(text) == title


@given(st.text(max_size=300))
def test_a_title_is_never_empty_nor_too_long(text: str) -> None:
    assert 1 <= len(title_from(text)) <= 60


@pytest.mark.parametrize(
    ("theme", "background"), [(0, "#faf8f5"), (1, "#1b1917"), (2, "#1b1917")], ids=["light", "dark", "chosen dark"]
)
def test_code_colours_can_be_read(theme: int, background: str) -> None:
    sheet = (Path(__file__).parents[2] / "static/css/components/highlight.css").read_text(encoding="utf-8")
    colours = re.findall(r"(--code-[a-z]+): (#[0-9a-f]{6})", sheet)
    per_theme = len(colours) // 3

    for name, colour in colours[theme * per_theme : (theme + 1) * per_theme]:
        assert contrast(colour, background) >= 4.5, name


def check(html: str) -> None:
    """Assert that `html` can run nothing, load nothing and link only where links may lead."""
    _Checker().feed(html)


def shown(html: str) -> str:
    reader = _Checker()
    reader.feed(html)
    reader.close()
    return "".join(reader.text)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class _Checker(HTMLParser):
    FORBIDDEN = frozenset(
        [
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "button",
            "img",
            "svg",
            "video",
            "audio",
            "link",
            "meta",
            "base",
            "annotation-xml",
            "maction",
        ]
    )
    ALLOWED = frozenset(["class", "href", "rel", "role", "aria-label", "tabindex", "start"])

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.in_math = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in self.FORBIDDEN
        self.in_math += tag == "math"
        names = {name for name, _ in attrs}
        assert not any(
            name.startswith("on") or name in ("style", "src", "id", "target", "actiontype", "srcset", "ping") for name in names
        )
        if self.in_math:
            assert not names & {"href", "class"}
            assert not any(re.search(r"\d{3}", value or "") for _, value in attrs)
        else:
            assert names <= self.ALLOWED
        for name, value in attrs:
            if name == "href":
                assert tag == "a"
                assert urlsplit(value or "").scheme in ("http", "https", "mailto")
                assert dict(attrs)["rel"] == "noopener noreferrer nofollow"

    def handle_endtag(self, tag: str) -> None:
        self.in_math -= tag == "math"

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment came through")

    def handle_data(self, data: str) -> None:
        self.text.append(data)
