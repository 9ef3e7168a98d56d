from jinja2 import Environment

from chat.kernel.constant_words import ConstantWords

_TEMPLATE = """
{{ _("Send & go") }}|{{ _('Keep 100 %%') }}|{{ icon("bin") }}|{{ icon(name) }}|{{ _("Hello, %(name)s", name=name) }}|
{{ _("One") if name else _("Two") }}|{{ _("A")|lower }}|{{ made.icon("bin") }}|{{ "<" }}|{% set _x = _("B") %}{{ _x }}|
{{ _(name) }}
"""


class _Made:
    @staticmethod
    def icon(name: str) -> str:
        return f"made {name}"


def test_templates_say_the_same_with_and_without_it() -> None:
    assert _rendered(_environment(ConstantWords)) == _rendered(_environment())


def test_nothing_is_looked_up_in_a_rendering_for_words_and_icons_that_are_fixed() -> None:
    environment = _environment(ConstantWords)
    template = environment.from_string('{{ _("Words") }} {{ icon("bin") }}')

    assert template.render(_=None, icon=None) == "Words <svg>bin</svg>"


def _environment(*extensions: type[ConstantWords]) -> Environment:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    macros = environment.from_string("{% macro icon(name) %}<svg>{{ name }}</svg>{% endmacro %}").module
    environment.globals["icon"] = macros.icon  # type: ignore[attr-defined]  # a module has what its template defines
    for extension in extensions:
        environment.add_extension(extension)
    return environment


def _rendered(environment: Environment) -> str:
    return environment.from_string(_TEMPLATE).render(name="x < y", made=_Made)
