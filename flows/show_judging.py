"""What judging again shows: within 80 columns on a terminal, and as markdown in the Prefect UI."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from flows.show import money, number, several, table


def show_rejudged(found: Any, console: Console) -> None:
    """What was done in each window that has posts, then how much of a change is the judge's."""
    rows = table("window", "#posts", "#new rows", "#bought", "#reused", "#failed")
    for window in (one for one in found.windows if one.posts):
        step = window.result
        counts = (window.posts, step.rows, step.bought, step.reused, sum(step.failed.values()))
        rows.add_row(f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}", *map(str, counts))
    console.print()
    console.print(rows)
    if found.shift:
        show_shift(found, console)
    if found.changes:
        show_changes(found, console)
    console.print()
    if found.message:
        console.print(found.message, markup=False)
    for note in found.notes:
        console.print(f"[yellow]{escape(note)}[/]")
    console.print(f"this run cost {money(found.cost_usd)}")


def show_shift(found: Any, console: Console) -> None:
    console.print(f"\nThe same {several(found.shift.posts, 'post')} by both judges")
    console.print(f"  old: {escape(found.old)}\n  new: {escape(found.new)}")
    rows = table("aspect", "#items", "#old", "#new", "#difference", "95 % interval")
    for one in found.shift.aspects:
        rows.add_row(one.aspect, str(one.n), number(one.old), number(one.new), signed(one.difference), span(one))
    console.print(rows)
    for line in remarks(found.shift):
        console.print(escape(line))


def show_changes(found: Any, console: Console) -> None:
    which = "this one to the other" if found.there_is_later else "the other to this one"
    console.print(f"\nThe change between the two periods, from {which}")
    console.print("  change: as judged then; one judge: by the new one throughout; judge's: the rest")
    rows = table("aspect", "#change", "#one judge", "95 % interval", "#judge's", "#share")
    for one in found.changes:
        share = "" if one.share is None else f"{one.share:.0%}"
        rows.add_row(
            one.aspect, signed(one.raw.value), signed(one.one_judge.value), span(one.one_judge),
            signed(one.judges.value), share,
        )  # fmt: skip
    console.print(rows)
    if any(one.share is None for one in found.changes):
        console.print("no share where the change, as it was judged, may be none: its interval holds 0")
    if any(one.share is not None and not 0 <= one.share <= 1 for one in found.changes):
        console.print("a share outside of 0 to 100%: by one judge the posts changed the other way")


def remarks(shift: Any) -> list[str]:
    """What stands behind a comparison and could turn it."""
    lines = list(shift.notes)
    if shift.failed_old or shift.failed_new:
        lines.append(f"left out: {shift.failed_old} that the old judge could not read, {shift.failed_new} the new one")
    if shift.only_old:
        lines.append(f"{several(shift.only_old, 'post')} that the old judge read, the new one was not asked about")
    return lines


def markdown(found: Any) -> str:
    """The same as tables of markdown."""
    lines = ["| window | posts | new rows | bought | failed |", "|---|---|---|---|---|"]
    for window in (one for one in found.windows if one.posts):
        step = window.result
        cells = (window.posts, step.rows, step.bought, sum(step.failed.values()))
        lines.append(row(f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}", *cells))
    if found.shift:
        lines += ["", f"The same {found.shift.posts} posts by both judges: old `{found.old}`, new `{found.new}`.", ""]
        lines += ["| aspect | items | old | new | difference | 95 % interval |", "|---|---|---|---|---|---|"]
        for one in found.shift.aspects:
            lines.append(row(one.aspect, one.n, number(one.old), number(one.new), signed(one.difference), span(one)))
        lines += ["", *remarks(found.shift)]
    if found.changes:
        lines += ["", "| aspect | change, as judged then | by one judge | 95 % interval | the judge's | share |"]
        lines.append("|---|---|---|---|---|---|")
        for one in found.changes:
            share = "" if one.share is None else f"{one.share:.0%}"
            parts = (signed(one.raw.value), signed(one.one_judge.value), span(one.one_judge), signed(one.judges.value))
            lines.append(row(one.aspect, *parts, share))
    return "\n".join([*lines, "", *filter(None, [found.message]), *found.notes, f"Cost: {money(found.cost_usd)}."])


def row(*cells: Any) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"


def span(part: Any) -> str:
    return "" if part.low is None else f"{part.low:+.2f} to {part.high:+.2f}"
