"""Windows of time as a calendar: blocks of cells with places and shades, which the templates draw.

Days stand in months with a column per weekday; windows of less than half a day in months, the days across and the day's
windows down; all others in rows of seven by years. Sizes are in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from components.report.backfills import BackfillState, WindowState
from components.report.formats import usd, whole
from components.specs.windows import zone_of

GAP = 3
DAY = 24
SLOT = 8
WIDE, TALL = 44, 26
TOP = 24
"""A block's heading."""

BLOCK_GAP = 26
LEGEND = 40
FAINTEST = 0.3


@dataclass(frozen=True, slots=True)
class Cell:
    """`shade`: 0 to 1, of a window that is done; `dark`: whether light letters are read on it."""

    x: float
    y: float
    width: float
    height: float
    label: str
    window: WindowState
    title: str
    shade: float = 1.0

    @property
    def dark(self) -> bool:
        return self.window.kind in ("failed", "running") or (self.window.kind == "done" and self.shade > 0.72)


@dataclass
class Block:
    title: str
    cells: list[Cell] = field(default_factory=list)
    x: float = 0
    y: float = 0

    @property
    def width(self) -> float:
        return max(max((cell.x + cell.width for cell in self.cells), default=0), 9.0 * len(self.title))

    @property
    def height(self) -> float:
        return max((cell.y + cell.height for cell in self.cells), default=0)


@dataclass
class Calendar:
    """`shaded_by`: what a darker cell has more of: cost, or posts where nothing has cost anything."""

    blocks: list[Block]
    shaded_by: str
    has_labels: bool
    width: float = 0
    height: float = 0


def calendar_of(found: BackfillState, width: float = 830) -> Calendar:
    """The blocks, and where each stands on a sheet so wide."""
    shaded_by = "cost" if any(window.cost_usd for window in found.windows) else "posts"
    amounts = [float(window.cost_usd or 0) if shaded_by == "cost" else window.posts for window in found.windows]
    most = max(amounts, default=0) or 1
    shades = {
        id(window): FAINTEST + (1 - FAINTEST) * amount / most
        for window, amount in zip(found.windows, amounts, strict=True)
    }
    zone = zone_of(found.timezone)
    told = [(window.start.astimezone(zone), window) for window in found.windows]
    is_day = found.window_by == "day"
    length = min((window.end - window.start for window in found.windows[:-1] or found.windows), default=timedelta(1))
    is_short = not is_day and length <= timedelta(hours=12)
    blocks = []
    if is_day or is_short:
        for (_, _), of_month in groupby(told, key=lambda one: (one[0].year, one[0].month)):
            rows = list(of_month)
            block = Block(f"{rows[0][0]:%B %Y}")
            block.cells = _days(rows, shades) if is_day else _slots(rows, shades)
            blocks.append(block)
    else:
        for year, of_year in groupby(told, key=lambda one: one[0].year):
            blocks.append(Block(str(year), _rows(list(of_year), shades, found.window_by == "month")))
    made = Calendar(blocks, shaded_by, has_labels=not is_short)
    _place(made, width)
    return made


Told = Sequence[tuple[datetime, WindowState]]


def _days(rows: Told, shades: dict[int, float]) -> list[Cell]:
    before = rows[0][0].replace(day=1).weekday()
    cells = []
    for at, window in rows:
        week, weekday = divmod(at.day - 1 + before, 7)
        cells.append(_cell(weekday * (DAY + GAP), TOP + week * (DAY + GAP), DAY, DAY, str(at.day), window, shades))
    return cells


def _slots(rows: Told, shades: dict[int, float]) -> list[Cell]:
    cells = []
    for day, of_day in groupby(rows, key=lambda one: one[0].day):
        for n, (_, window) in enumerate(of_day):
            x, y = (day - 1) * (SLOT + GAP), TOP + n * (SLOT + GAP)
            cells.append(_cell(x, y, SLOT, SLOT, "", window, shades))
    return cells


def _rows(rows: Told, shades: dict[int, float], is_month: bool) -> list[Cell]:
    cells = []
    for n, (at, window) in enumerate(rows):
        line, column = divmod(n, 6 if is_month else 7)
        label = f"{at:%b}" if is_month else f"{at.day} {at:%b}"
        cells.append(_cell(column * (WIDE + GAP), TOP + line * (TALL + GAP), WIDE, TALL, label, window, shades))
    return cells


def _cell(
    x: float, y: float, width: float, height: float, label: str, window: WindowState, shades: dict[int, float]
) -> Cell:
    return Cell(x, y, width, height, label, window, title_of(window), shades[id(window)])


def title_of(window: WindowState) -> str:
    """What a pointer over the cell is told."""
    said = f"{window.name}: {window.state.replace('_', ' ')}"
    if window.items:
        said += f", {whole(window.items)} items, {whole(window.posts)} posts"
    if window.calls:
        said += f", {whole(window.calls)} calls, {usd(window.cost_usd)}"
    return said


def _place(made: Calendar, width: float) -> None:
    """Side by side, and below each other where a line is full."""
    x, y, line = 0.0, 0.0, 0.0
    for block in made.blocks:
        if x and x + block.width > width:
            x, y, line = 0.0, y + line + BLOCK_GAP, 0.0
        block.x, block.y = x, y
        x, line = x + block.width + BLOCK_GAP, max(line, block.height)
        made.width = max(made.width, x - BLOCK_GAP)
    made.height = y + line
