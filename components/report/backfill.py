"""A backfill becomes one HTML file, and a calendar as a picture: from the warehouse alone, without script or clock."""

from importlib.metadata import version

from markupsafe import Markup

from components.report.backfills import KINDS, BackfillState, kind_of
from components.report.calendar import calendar_of
from components.report.formats import usd, whole
from components.report.render import TEMPLATES, environment
from components.report.training import POLICY
from components.specs.windows import name_of

LETTER = 7
"""Pixels: the widest that text of this size is on average."""


def render_backfill(found: BackfillState) -> str:
    """The page of a backfill."""
    stops: dict[str, list[str]] = {}
    for window in found.windows:
        if window.kind in ("failed", "waiting") and window.message:
            stops.setdefault(window.message, []).append(window.name)
    return str(
        environment()
        .get_template("backfill.html.j2")
        .render(
            b=found,
            kind=kind_of(found.state),
            first=found.windows[0].name,
            last=name_of(found.windows[-1].end, found.timezone),
            lead=lead_of(found),
            said=said_of(found),
            filled=sum(window.items > 0 for window in found.windows),
            calendar=calendar_of(found),
            kinds=[kind for kind in KINDS if kind in found.kinds],
            stops=sorted(stops.items(), key=lambda pair: -len(pair[1])),
            listed=[window for window in found.windows if window.kind != "empty"],
            empty=found.kinds.get("empty", 0),
            style=Markup("".join((TEMPLATES / name).read_text("utf-8") for name in ("style.css", "calendar.css"))),
            policy=POLICY,
            version=version("postwright"),
        )
    )


def lead_of(found: BackfillState) -> str:
    kinds, n = found.kinds, len(found.windows)
    if found.state == "running":
        return f"{kinds.get('done', 0) + kinds.get('empty', 0):,} of {n:,} windows are done so far."
    left = {kind: kinds[kind] for kind in ("failed", "waiting", "running", "not started") if kind in kinds}
    if not left:
        return f"All {n:,} windows are done: a repetition would buy nothing."
    return f"{', '.join(f'{count:,} {kind}' for kind, count in left.items())} of {n:,} windows."


def said_of(found: BackfillState) -> str:
    """How many windows stand how."""
    return ", ".join(f"{n:,} {kind}" for kind, n in found.kinds.items())


def draw_backfill(found: BackfillState) -> str:
    """The calendar as SVG, with its legend."""
    calendar = calendar_of(found)
    kinds = [kind for kind in KINDS if kind in found.kinds]
    posts, money = whole(found.total("posts")), usd(found.cost_usd)
    said = f"{len(found.windows):,} windows: {said_of(found)}; {posts} posts, {money}"
    return str(
        environment()
        .get_template("calendar_sheet.svg.j2")
        .render(
            calendar=calendar,
            title=f"{found.campaign}, {found.windows[0].name} to {name_of(found.windows[-1].end, found.timezone)}",
            said=said,
            kinds=kinds,
            width=max(calendar.width, 104 * len(kinds), LETTER * len(said)) + 40,
            height=calendar.height + 76 + 56,
            style=Markup((TEMPLATES / "calendar.css").read_text("utf-8")),
        )
    )
