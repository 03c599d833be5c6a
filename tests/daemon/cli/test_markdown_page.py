"""Markdown that is drawn while it comes: what stays on the terminal is what would have been printed at once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from hecate.daemon.cli.markdown_page import MarkdownPage, split_blocks
from tests.daemon.cli.screen import Screen

EVERYTHING = """# A heading

Some *words* with `code`, a [link](http://example.com/), and <b>tags</b> that are meant to be seen, in a
paragraph that is longer than a line.

- one
- two with **bold**

  and a second paragraph
- three

1. first
2. second

| a | b |
|---|---|
| 1 | 2 |

```python
def f():
    return 1
```

> a quote

The end."""
CODE = "\n".join(["Look:", "", "```python", *(f"line_{number} = {number}" for number in range(60)), "```", "", "Done."])


def shown(source: str, cuts: list[int], *, columns: int = 40, rows: int = 10) -> str:
    """Return what is on a terminal in the end, scrolled away or not, when *source* comes cut into pieces."""
    screen = Screen(columns, rows)
    page = MarkdownPage(lambda: (columns, rows))
    places = [0, *sorted(cut % (len(source) + 1) for cut in cuts), len(source)]
    for begin, end in pairwise(places):
        screen.write(page.add(source[begin:end]))
        screen.write(page.drawn())
    screen.write(page.drawn(is_final=True))
    return screen.text


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(cuts=st.lists(st.integers(0, 2000), max_size=40))
def test_however_it_is_cut_the_end_is_the_same(cuts: list[int]) -> None:
    """Every kind of block, on a terminal that shows the longest of them."""
    assert shown(EVERYTHING, cuts, rows=24) == shown(EVERYTHING, [], rows=24)


@settings(deadline=None, max_examples=20)
@given(cuts=st.lists(st.integers(0, 2000), max_size=40))
def test_code_longer_than_the_terminal_scrolls_away_whole(cuts: list[int]) -> None:
    """No line is lost, and none comes twice."""
    text = shown(CODE, cuts)
    assert [line.strip() for line in text.split("\n") if "line_" in line] == [
        f"line_{number} = {number}" for number in range(60)
    ]
    assert text == shown(CODE, [])


def test_all_of_it_is_shown() -> None:
    """Nothing is taken for markup that is to be hidden."""
    text = shown(EVERYTHING, [], columns=100)
    for part in (
        "A heading",
        "<b>tags</b>",
        "http://example.com/",
        "• one",
        "and a second",
        "return 1",
        "a quote",
        "The end.",
    ):
        assert part in text
    assert "**" not in text


def test_only_what_has_changed_is_drawn() -> None:
    """A word more at the end of a long list draws a line, not the list."""
    page = MarkdownPage(lambda: (40, 24))
    page.add("".join(f"- item {number}\n" for number in range(20)))
    page.drawn()
    page.add("- more")
    drawing = page.drawn()
    assert "more" in drawing
    assert "item 18" not in drawing
    assert page.drawn() == ""


def test_a_narrower_terminal_is_drawn_over() -> None:
    """Lines that the terminal has wrapped are counted as what they take."""
    size = [40, 10]
    page = MarkdownPage(lambda: (size[0], size[1]))
    page.add("word " * 12)
    page.drawn()
    size[0] = 20
    # Two lines of 39 and 19 cells take three of 20.
    assert "\x1b[3A" in page.drawn()


def test_what_a_model_says_to_itself_is_no_markdown() -> None:
    """It stays, apart from the answer."""
    screen = Screen()
    page = MarkdownPage(lambda: (40, 10))
    for text, aside in (("I *think*", True), ("# Yes", False)):
        screen.write(page.add(text, aside=aside))
        screen.write(page.drawn())
    screen.write(page.drawn(is_final=True))
    assert [line.strip() for line in screen.text.split("\n") if line.strip()] == ["I *think*", "Yes"]


@pytest.mark.parametrize(
    ("source", "blocks"),
    [
        ("", []),
        ("\n\n", ["\n\n"]),
        ("a\nb", ["a\nb"]),
        ("a\n\nb", ["a\n", "b"]),
        ("```\na\n\nb", ["```\na\n\nb"]),
        ("- a\n\n- b\n", ["- a\n\n- b\n"]),
        ("a\n```\nb\n```\n", ["a", "```\nb\n```\n"]),
    ],
)
def test_blocks_are_found(source: str, blocks: list[str]) -> None:
    """Empty lines within code and lists end nothing."""
    assert split_blocks(source) == blocks


@settings(deadline=None, max_examples=20)
@given(cuts=st.lists(st.integers(0, 2000), max_size=40), rows=st.integers(2, 6))
def test_a_terminal_may_be_tiny(cuts: list[int], rows: int) -> None:
    """Nothing is drawn over what has scrolled away, and the end is there."""
    text = shown(EVERYTHING, cuts, rows=rows)
    assert text.rstrip().endswith("The end.")
    assert text.count("The end.") == 1
