"""Who competes: the posts of arms on the same items, or the candidates of each prompt; read from the warehouse."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from components.errors import UserError
from components.experiments import Arm as ExperimentArm
from components.judgments.families import is_own
from components.pairwise import Board, Contest, PairwiseSpec, Tournament, same_posts
from components.records import Comparison, Post
from components.specs import FeatureSpec, GenerationSpec, JudgeSpec, PromptSpec, Selection
from components.warehouse.questions import STANDING
from components.warehouse.selected import parameters, selected
from components.warehouse.store import Store


class Arm(BaseModel):
    """One way to write posts, by the ids of its specs. Of several candidates the one that stands for its prompt
    competes (see the view `standings`): the one that the judge `judge_spec_id` or CLIP chose where the generation spec
    says so, and of `choose: all` the first, whatever its score."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(min_length=1, title="Name", description="In tables.")
    feature_spec_id: str = Field(title="Id of the feature spec", description="As in the table specs.")
    prompt_spec_id: str = Field(title="Id of the prompt spec", description="As in the table specs.")
    generation_spec_id: str = Field(title="Id of the generation spec", description="As in the table specs.")
    judge_spec_id: str = Field(default="", title="Id of the judge spec", description="Who chooses among candidates.")

    @classmethod
    def of(
        cls,
        name: str,
        features: FeatureSpec,
        prompts: PromptSpec,
        generation: GenerationSpec,
        judge: JudgeSpec | None = None,
    ) -> "Arm":
        return cls(
            name=name,
            feature_spec_id=features.id,
            prompt_spec_id=prompts.id,
            generation_spec_id=generation.id,
            judge_spec_id=judge.id if judge else "",
        )

    @property
    def written(self) -> tuple[str, str, str]:
        """What its posts depend on."""
        return self.feature_spec_id, self.prompt_spec_id, self.generation_spec_id


def entrants_of(arms: Sequence[ExperimentArm]) -> list[Arm]:
    """The arms of an experiment, as they compete."""
    return [Arm.of(arm.name, c.features, c.prompt, c.generation, c.judge) for arm in arms for c in [arm.campaign]]


def contest_of(store: Store, arms: Sequence[Arm], selection: Selection) -> Contest:
    """Two or more arms compete with each other; of one alone, the candidates of each prompt; of none, the candidates of
    every prompt that the selection has. UserError where nothing can be compared."""
    if len({arm.name for arm in arms}) < len(arms):
        raise UserError(f"two arms have one name: {', '.join(sorted(arm.name for arm in arms))}; name each differently")
    contest = between_arms(store, arms, selection) if len(arms) > 1 else between_candidates(store, arms, selection)
    if not any(matches for n, t in enumerate(contest.tournaments) for matches in t.matches(n).values()):
        what = "no item has posts of two of the arms" if len(arms) > 1 else "no prompt has two candidates that differ"
        raise UserError(
            f"nothing to compare in {selection.dataset!r}: {what}; write posts first (postwright run), with "
            "generation.candidates above 1, or name two campaigns"
        )
    return contest


def between_arms(store: Store, arms: Sequence[Arm], selection: Selection) -> Contest:
    """Of arms that have the same posts the first competes."""
    left_out = same_posts((arm.name, arm.written) for arm in arms)
    arms = [arm for arm in arms if arm.name not in left_out]
    if len(arms) < 2:
        raise UserError(
            f"{', '.join([arms[0].name, *left_out])} have the same posts, so there is nothing to compare: name arms "
            "that differ in their features, prompt or generation"
        )
    boards = standing_posts(store, arms, selection)
    absent = {arm.name: sum(arm.name not in posts for posts in boards.values()) for arm in arms}
    for arm in arms:
        if boards and absent[arm.name] == len(boards):
            raise UserError(
                f"the arm {arm.name!r} has no post about any of the items: run it first (postwright run), on the same "
                "dataset"
            )
    found = tuple(Board(item_id, posts) for item_id, posts in sorted(boards.items()))
    return Contest("arm", (Tournament(tuple(arm.name for arm in arms), found),), absent, left_out)


def standing_posts(store: Store, arms: Sequence[Arm], selection: Selection) -> dict[str, dict[str, Post]]:
    """Item -> arm -> its post that competes there."""
    sql = f"""{selected(selection)} SELECT s.item_id, s.position, po.* FROM ({STANDING}) st
        JOIN posts po ON po.post_id = st.post_id
        JOIN prompts p ON p.prompt_id = st.prompt_id JOIN selected s USING (item_id)
        WHERE p.feature_spec_id = $feature_spec_id AND p.spec_id = $prompt_spec_id
          AND st.generation_spec_id = $generation_spec_id AND st.stands AND st.is_distinct
        ORDER BY s.position, p.prompt_id, st.candidate"""
    boards: dict[str, dict[str, Post]] = defaultdict(dict)
    for arm in arms:
        params = arm.model_dump(exclude={"name", "judge_spec_id"}) | {"judge_posts": arm.judge_spec_id}
        for row in store.query(sql, parameters(selection) | params):
            boards[row["item_id"]].setdefault(arm.name, post_of(row))
    return boards


def between_candidates(store: Store, arms: Sequence[Arm], selection: Selection) -> Contest:
    ids = {} if not arms else arms[0].model_dump(exclude={"name", "judge_spec_id"})
    of_arm = (
        """WHERE p.feature_spec_id = $feature_spec_id AND p.spec_id = $prompt_spec_id
        AND c.spec_id = $generation_spec_id AND c.is_distinct"""
        if arms
        else "WHERE c.is_distinct"
    )
    sql = f"""{selected(selection)} SELECT s.item_id, c.* FROM candidates c JOIN prompts p USING (prompt_id)
        JOIN selected s USING (item_id) {of_arm} ORDER BY s.position, c.prompt_id, c.spec_id, c.candidate"""
    prompts: dict[tuple[str, str], dict[str, Post]] = defaultdict(dict)
    items: dict[str, str] = {}
    for row in store.query(sql, parameters(selection) | ids):
        post = post_of(row)
        prompts[post.prompt_id, post.spec_id][f"candidate {post.candidate + 1}"] = post
        items[post.prompt_id] = row["item_id"]
    return Contest(
        "candidate",
        tuple(
            Tournament(tuple(posts), (Board(items[prompt_id], posts),))
            for (prompt_id, _), posts in prompts.items()
            if len(posts) > 1
        ),
        {},
    )


def post_of(row: dict[str, Any]) -> Post:
    names = {field.name for field in fields(Post)}
    return Post(**{name: value for name, value in row.items() if name in names})


def writers_of(store: Store, contest: Contest) -> list[str]:
    """The models that wrote the contest's posts, as far as their specs are known."""
    boards = (board for tournament in contest.tournaments for board in tournament.boards)
    ids = sorted({post.spec_id for board in boards for post in board.posts.values()})
    sql = "SELECT DISTINCT params->>'$.model' AS model FROM specs WHERE spec_id IN (SELECT unnest($ids)) ORDER BY ALL"
    return [row["model"] for row in store.query(sql, {"ids": ids}) if row["model"]]


def refuse_own_model(spec: PairwiseSpec, writers: Sequence[str]) -> None:
    """Raises UserError for a judge that is one of the writers, unless that is allowed."""
    own = next((writer for writer in writers if is_own(spec.model, writer)), None)
    if own is not None and not spec.allow_own_model:
        raise UserError(
            f"{spec.model} would compare what {own} wrote, its own model, which it tends to prefer; name a model of "
            "another family, or set allow_own_model to true (it will be said beside the figures)"
        )


def comparisons_of(store: Store, spec_id: str, contest: Contest) -> list[Comparison]:
    """All that one judge has said of the contest's posts, oldest first."""
    sql = """SELECT * FROM comparisons WHERE spec_id = $spec_id AND post_a IN (SELECT unnest($ids))
        AND post_b IN (SELECT unnest($ids)) ORDER BY created_at, comparison_id"""
    found = store.query(sql, {"spec_id": spec_id, "ids": sorted(contest.entrants())})
    return [Comparison(**row) for row in found]
