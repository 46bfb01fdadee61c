"""For a plan: how many posts would be measured, of those that are there and those that are not written yet."""

from collections.abc import Sequence

from components.records import Post
from components.specs import Campaign
from flows.expect_judging import not_renewed
from flows.expect_posts import worth_judging
from flows.left import There


def expected_measuring(campaign: Campaign, there: There, coming: Sequence[Post]) -> tuple[int, int]:
    """Posts to do, and posts that have their measures; none where the campaign takes none."""
    c = campaign
    if c.measures is None:
        return 0, 0
    expected = worth_judging(coming, c.generation)
    written, left = (not_renewed(posts, expected, c.generation) for posts in (there.to_judge, there.left.unmeasured))
    return len(left) + len(expected), len(written) - len(left)
