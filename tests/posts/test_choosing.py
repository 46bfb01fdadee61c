"""What choosing the best of several candidates gained, by counted examples."""

import pandas as pd
import pytest

from components.posts.choosing import choice_of, gains


def table(*rows: tuple[str, int, bool, float | None, str | None]) -> pd.DataFrame:
    """(prompt_id, place, is_distinct, overall, error) in the order of the feed."""
    columns = ["prompt_id", "place", "is_distinct", "overall", "error"]
    return pd.DataFrame(rows, columns=columns).assign(choose="judge", clip_score=None)


def test_gains_come_in_the_order_of_the_feed_of_prompts_with_two_to_compare() -> None:
    found = table(
        ("z", 2, True, 4.0, None), ("z", 1, True, 8.0, None),
        ("m", 1, True, 9.0, None), ("m", 2, False, 9.0, None),
        ("k", 1, True, None, None), ("k", 2, True, 3.0, None),
        ("a", 1, True, 6.0, None), ("a", 3, True, 5.0, None), ("a", 2, True, 5.5, None),
    )  # fmt: skip
    assert gains(found, "overall").tolist() == pytest.approx([2.0, 0.5])


def test_candidates_are_counted_by_what_became_of_them() -> None:
    found = table(
        ("z", 1, True, 8.0, None),
        ("z", 2, False, None, None),
        ("z", 3, False, None, "timeout"),
        ("a", 1, True, 6.0, None),
    )
    choice = choice_of(found)
    assert choice is not None and choice["by"] == "judge" and choice["gain"]["n"] == 0
    assert [choice["prompts"], choice["candidates"], choice["distinct"], choice["duplicates"], choice["failed"]] == [
        2, 4, 2, 1, 1,
    ]  # fmt: skip


def test_one_candidate_each_is_no_choice() -> None:
    assert choice_of(table(("z", 1, True, 8.0, None), ("a", 1, True, 6.0, None))) is None
    assert choice_of(table()) is None
