"""One table says what each measure is; the documents are made of it."""

from pathlib import Path

from components.measures.about import about, as_markdown, names_of
from components.report.measured import FAMILIES as TITLES
from components.specs.measures import FAMILIES

ROOT = Path(__file__).parents[2]


def test_the_document_holds_the_table() -> None:
    assert as_markdown() in (ROOT / "docs/measures.md").read_text("utf-8"), (
        "docs/measures.md is not about.yaml any more"
    )


def test_every_measure_says_unit_direction_and_source_and_every_family_has_measures() -> None:
    assert {one.family for one in about().values()} == set(FAMILIES) == set(TITLES)
    assert all(one.says.endswith(".") and one.unit and one.source for one in about().values())
    assert len({one.title for one in about().values()}) == len(about())


def test_families_name_their_measures_in_the_order_of_the_table() -> None:
    assert names_of(["rules", "safety"]) == ("toxicity", "pii", "rules_broken")
    assert names_of(FAMILIES) == tuple(about())
