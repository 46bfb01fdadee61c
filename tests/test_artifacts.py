"""Other people's text in the pages of the Prefect UI stays text."""

import pytest

from flows.artifacts import plain


@pytest.mark.parametrize(
    "text", ["![x](http://example.org/a.png)", "# Heading", "[a](javascript:alert(1))", "<img src=x>", "a | b"]
)
def test_markdown_and_html_in_a_post_stay_text(text: str) -> None:
    shown = plain(text)
    assert "](" not in shown and "<" not in shown and not shown.startswith("#")
    assert "|" not in shown.replace("\\|", "")
