"""Templates whose fixed pieces are fixed when they are compiled: words of a site in English, and icons.

Jinja looks each `_("…")` up, formats and marks it anew in every rendering, and calls a macro for every icon. With hundreds of
streams that was half of what writing a turn down costs.
"""

from collections.abc import Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

_CALL = ("name", "lparen", "string", "rparen")


class ConstantWords(Extension):
    """Puts the text in place of `_("text")`, and the picture in place of `icon("name")`, where they stand alone."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        held: list[Token] = []  # what may become such a call
        before = ""
        for token in stream:
            begins = token.type == _CALL[0] and before != "dot"
            before = token.type
            if not held or token.type != _CALL[len(held)]:
                yield from held
                held = []
                if not begins:
                    yield token
                    continue
            held.append(token)
            if len(held) == len(_CALL):
                yield from self._folded(held)
                held = []
        yield from held

    def _folded(self, call: list[Token]) -> Iterator[Token]:
        name, begin, text, end = call
        if name.value == "_":
            value = text.value % {}
        elif name.value == "icon" and "icon" in self.environment.globals:
            value = str(self.environment.globals["icon"](text.value))  # type: ignore[operator]  # a macro
        else:
            yield from call
            return
        line = text.lineno
        yield begin
        yield Token(line, "string", value)
        yield Token(line, "pipe", "|")
        yield Token(line, "name", "safe")  # the template's own text, and a macro's result, are markup in every rendering
        yield end
