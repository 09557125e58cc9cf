import pytest

from tests.web.visible_text import signatures, unmarked_texts

MACROS = signatures("{% macro button(text, href=none, attrs={}) %}{{ text }}{% endmacro %}")


@pytest.mark.parametrize(
    "source",
    [
        "<p>Guthaben</p>",
        "<a title='Guthaben'></a>",
        "<p>{{ 'Guthaben' if balance else _('Empty') }}</p>",
        "<p>{{ title | default('Guthaben') }}</p>",
        "<p>{{ title or 'Guthaben' }}</p>",
        "{{ ui.button('Guthaben') }}",
        "{{ ui.button(href='/', text='Guthaben') }}",
        "{{ ui.button(_('Top up'), attrs={'data-busy': 'Guthaben'}) }}",
        "{% call ui.button('Guthaben') %}{% endcall %}",
        "{% if balance %}{% for row in rows %}Guthaben{% endfor %}{% endif %}",
        "{% macro own(text) %}{{ text }}{% endmacro %}{{ own('Guthaben') }}",
    ],
)
def test_a_text_without_a_mark_is_found(source: str) -> None:
    assert unmarked_texts(source, MACROS) == ["Guthaben"]


def test_a_sentence_that_is_kept_for_later_is_found() -> None:
    source = "{% set titles = {'paid': 'Thank you', 'failed': _('No luck')} %}{{ titles[state] }}"

    assert unmarked_texts(source, MACROS) == ["Thank you"]


@pytest.mark.parametrize(
    "source",
    [
        "<p class='{{ 'up' if value else 'down' }}'>{{ _('Balance') }} · …</p>",
        "{{ ui.button(_('Top up'), '/portal', attrs={'data-busy': _('Wait')}) }}",
        "{% if tone == 'danger' %}<i id='mark'></i>{% endif %}{# a remark #}",
        "<script>const word = 1;</script>",
        "{{ ngettext('%(num)s call', '%(num)s calls', 2) }}",
    ],
)
def test_marked_texts_and_markup_are_left_alone(source: str) -> None:
    assert unmarked_texts(source, MACROS) == []
