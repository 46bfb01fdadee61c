"""What the command line shows is what there is: paths and names are no markup."""

from pathlib import Path

from rich.console import Console

from flows.check_machine import Finding
from flows.pipeline import Summary
from flows.settings import Settings
from flows.show import show_findings, show_summary


def test_brackets_in_paths_are_shown_as_they_are() -> None:
    settings = Settings(Path("/data/[red]/[/home]"))
    console = Console(width=200, record=True, quiet=False)
    show_summary(Summary("r", "c"), settings, console)
    show_findings([Finding("home", "good", str(settings.home))], console)
    assert console.export_text().count("/data/[red]/[/home]") == 2
