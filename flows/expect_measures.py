"""For a plan: how many posts would be measured, of those that are there and those that are not written yet."""

from collections.abc import Mapping, Sequence

from components.records import Post, Prompt
from components.spec import Campaign, Selection
from components.store import Store
from flows.expect_judging import not_renewed
from flows.expect_posts import worth_judging


def expected_measuring(
    campaign: Campaign, selection: Selection, prompts: Mapping[str, Prompt], coming: Sequence[Post], store: Store
) -> tuple[int, int]:
    """Posts to do, and posts that have their measures; none where the campaign takes none."""
    c = campaign
    if c.measures is None:
        return 0, 0
    ids = (selection, c.prompt.id, c.features.id, c.generation.id)
    expected = worth_judging(coming, c.generation)
    there = (store.posts_to_judge(*ids), store.posts_without_measures(*ids, c.measures.id))
    written, left = (
        not_renewed([post for post in posts if post.prompt_id in prompts], expected, c.generation) for posts in there
    )
    return len(left) + len(expected), len(written) - len(left)
