"""Markdown on a terminal while it is still being written: what to draw, and over what.

Blocks that are finished are printed once, and scroll away as anything does.  Only the last one is drawn again, as far
as it is in sight, and of that only what has changed: so an answer may be as long as it likes, and nothing flickers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from rich.console import RenderableType

# What is between the two is shown at once by terminals that know them, and as it comes by the others.
BEGIN: Final = "\x1b[?2026h"
END: Final = "\x1b[?2026l"
UP: Final = "\x1b[{}A"
CLEAR_BELOW: Final = "\r\x1b[J"


class MarkdownPage:
    """A text that grows, and the lines of the terminal that show it.

    Args:
        size: Gives the terminal's columns and lines.
        colour: Whether colours may be used.
    """

    def __init__(self, size: Callable[[], tuple[int, int]], *, colour: bool = True) -> None:
        self._size = size
        self._colour = colour
        self._source = ""
        """What is not finished."""
        self._is_aside = False
        self._shown: Sequence[str] = ()
        """The lines that can still be drawn over."""
        self._columns = size()[0]
        """How many the terminal had when they were drawn."""
        self._gone = 0
        """How many lines of the block that is not finished have scrolled away."""
        self._has_begun = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing of it yet."""
        return not (self._source or self._has_begun)

    def add(self, text: str, *, aside: bool = False) -> str:
        """Take more; *aside* is what a model says to itself, and no markdown.

        Returns:
            What to write to the terminal before the rest: not empty where the one ends and the other begins.
        """
        before = self.drawn(is_final=True) if aside is not self._is_aside and self._source else ""
        self._is_aside = aside
        self._source += text
        return before

    def drawn(self, *, is_final: bool = False) -> str:
        """Return what to write to the terminal so that it shows all there is; at the end, once and for all.

        The cursor must be where the last drawing has left it: at the beginning of the line below.
        """
        blocks = [self._source] if self._is_aside else split_blocks(self._source)
        finished, live = (blocks, "") if is_final else (blocks[:-1], "".join(blocks[-1:]))
        lasting: list[str] = []
        for block in finished:
            lines = self._lines(block)
            lasting += lines[self._gone :]
            self._has_begun, self._gone = self._has_begun or bool(lines), 0
        moving = self._lines(live)[self._gone :] if live else []
        # One line is the cursor's.  What has scrolled away can no longer be drawn over.
        if excess := max(0, len(moving) - max(1, self._size()[1] - 1)):
            lasting += moving[:excess]
            moving = moving[excess:]
            self._gone += excess
        self._source = live
        return self.replaced(lasting, moving)

    def replaced(self, lasting: Sequence[str], moving: Sequence[str]) -> str:
        """Return what draws over the lines that are shown; of the new ones *moving* can then be drawn over again."""
        lines = [*lasting, *moving]
        columns = self._size()[0]
        same = 0
        if columns == self._columns:
            while same < min(len(lines), len(self._shown)) and lines[same] == self._shown[same]:
                same += 1
        up = sum(_height(line, columns) for line in self._shown[same:])
        self._shown, self._columns = moving, columns
        if not up and not lines[same:]:
            return ""
        back = UP.format(up) + CLEAR_BELOW if up else ""
        return BEGIN + back + "".join(f"{line}\n" for line in lines[same:]) + END

    def _lines(self, block: str) -> list[str]:
        """Return *block* as it is shown, with an empty line before it unless it is the first."""
        # rich takes longer to import than most commands to run, and only a terminal needs it.
        from rich.console import Console  # noqa: PLC0415
        from rich.markdown import Markdown  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        shown: RenderableType
        if self._is_aside:
            shown = Text(block.strip("\n"), style="dim")
        else:
            shown = Markdown("", code_theme="ansi_dark", hyperlinks=False)
            # rich's own parser takes HTML for what is not to be shown; a model may have meant it.
            shown.parsed = _parser().parse(block)
        page = StringIO()
        console = Console(
            file=page, width=self._size()[0], force_terminal=True, no_color=not self._colour, highlight=False
        )
        console.print(shown)
        drawn = _without_margins(page.getvalue())
        return ["", *drawn] if drawn and self._has_begun else drawn


def split_blocks(source: str) -> list[str]:
    """Return the blocks of *source*, such as paragraphs, lists and code; all but the last are finished."""
    tokens = _parser().parse(source)
    starts = [token.map[0] for token in tokens if token.level == 0 and token.nesting >= 0 and token.map]
    if not starts:
        # Spaces, which the rest may turn into the beginning of something.
        return [source] if source else []
    lines = source.split("\n")
    return ["\n".join(lines[begin:end]) for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - comes with rich

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _without_margins(page: str) -> list[str]:
    """Return the lines of *page* without empty ones before and after, and without spaces at their ends."""
    lines = [line.rstrip(" ") for line in page.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def _height(line: str, columns: int) -> int:
    """Return how many lines of the terminal *line* takes: more than one if that has become narrower since."""
    from rich.text import Text  # noqa: PLC0415

    return max(1, -(-Text.from_ansi(line).cell_len // columns))
