"""Posts in pairs on a real Prefect server: what is asked, bought, kept, resumed and shown."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from components.errors import UserError
from components.pairwise import PairwiseSpec
from components.records import Feature, Item, Post, Prompt
from components.specs import Budget, FeatureSpec, GenerationSpec, PromptSpec, Selection
from flows.compare_posts import compare_posts
from flows.contests import Arm
from flows.settings import Settings
from flows.show_comparison import Comparisons, read_comparison, show_comparison
from tests.fake_provider import FakeProvider
from tests.fake_provider.pairwise_judge import BiasedJudge
from tests.pairwise.posts import NOW
from tests.steps import Steps, campaign_of

pytestmark = [pytest.mark.slow]

QUALITIES = {"plain": 1.0, "full": 3.0, "wordy": 2.0}
ALL = Selection(dataset="d")
FREE = Budget(usd=1, allow_unpriced=True)
N = 5


def generation(name: str) -> GenerationSpec:
    return GenerationSpec(model=f"openai/writer-{name}")


def arm(name: str) -> Arm:
    prompts = PromptSpec(language="en", words=() if name == "plain" else ("topic",))
    return Arm.of(name, FeatureSpec(), prompts, generation(name))


ARMS = [arm(name) for name in QUALITIES]


@pytest.fixture
def written(home: Settings) -> Settings:
    """Five items with a post of each arm that says how good it is; one post of `wordy` failed."""
    fixed = {"spec_id": "s", "source_uri": "/x", "ingested_at": NOW, "dataset": "d"}
    items = [Item(item_id=f"i{n}", text=f"Text {n}.", **{**fixed, "source_uri": f"/x/{n}"}) for n in range(N)]  # type: ignore[arg-type]
    features, prompts, posts = [], [], []
    for n, one in enumerate(ARMS):
        for item in items:
            ids = (item.item_id, one.feature_spec_id)
            features.append(
                Feature(
                    feature_id=f"f{item.item_id}", item_id=ids[0], spec_id=ids[1], name="topic", text="sea", model="m"
                )
            )
            prompt_id = f"p{n}{item.item_id}"
            prompts.append(
                Prompt(prompt_id=prompt_id, item_id=item.item_id, spec_id=one.prompt_spec_id,
                       feature_spec_id=one.feature_spec_id, platform="x", template="t", system="", user="")
            )  # fmt: skip
            failed = (one.name, item.item_id) == ("wordy", "i4")
            text = f"{one.name} on {item.item_id}: quality {QUALITIES[one.name]:g}."
            posts.append(
                Post(post_id=Post.make_id(prompt_id, one.generation_spec_id, 0, None), prompt_id=prompt_id,
                     spec_id=one.generation_spec_id, platform="x", text=None if failed else text, created_at=NOW,
                     error="refusal" if failed else None)
            )  # fmt: skip
    home.store().append({"items": items, "features": features, "prompts": prompts, "posts": posts})
    return home


def shown(found: Comparisons, result: Any) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    show_comparison(found, result, console)
    return console.export_text()


def test_a_planted_order_comes_back_and_nothing_is_bought_twice(written: Settings) -> None:
    store = written.store()
    with FakeProvider(reply=BiasedJudge(first=0.2, seed=4)) as server:
        written.store().register(generation("full"))
        spec = PairwiseSpec(model="openai/writer-full", endpoint=server.url, allow_own_model=True)
        result = compare_posts(spec, ARMS, ALL, FREE)
        assert (result.rows, result.bought, result.failed) == (26, 26, {}), "13 pairs in both orders"
        found = read_comparison(store, spec, ARMS, ALL)
        again = compare_posts(spec, ARMS, ALL, FREE)
        assert (again.rows, again.bought, again.reused, again.already) == (0, 0, 0, 13)
        assert read_comparison(store, spec, ARMS, ALL) == found
        fewer = compare_posts(spec.model_copy(update={"design": "swiss", "pairs": 6}), ARMS, ALL, FREE)
        assert fewer.bought == 0, "another design of the same judge finds its pairs there"
        strict = spec.model_copy(update={"repeats": 2})
        assert compare_posts(strict, ARMS, ALL, FREE).bought == 26, "only the second readings"
        assert server.stats["requests"] == server.stats["distinct"] == 52
    overall = found.figures[0]
    assert [standing.name for standing in overall.standings] == ["full", "wordy", "plain"]
    assert found.absent == {"wordy": 1} and found.cost_usd is None
    rows = store.query(
        "SELECT verdict, count(*) AS n FROM pair_verdicts WHERE judge_spec_id = $id GROUP BY ALL", {"id": spec.id}
    )
    assert sum(row["n"] for row in rows) == 13
    said = shown(found, result)
    assert "self-preference is likely" in said.replace("\n", " ") and found.notes
    assert "no post to compare: wordy on 1 item" in said and "26 calls bought" in said and "cost unknown" in said
    assert all(len(line) <= 80 for line in said.splitlines()[:12])
    assert json.loads(json.dumps(store.query("SELECT params FROM specs WHERE step = 'compare_posts'")))


def test_a_killed_tournament_goes_on_with_the_same_pairs(written: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the third round after its calls were answered and before its rows were written."""
    import flows.compare_posts as flow

    with FakeProvider(reply=BiasedJudge(first=0.3, noise=1.0)) as server:
        spec = PairwiseSpec(model="openai/m", endpoint=server.url, design="uncertain", pairs=9, rounds=4)
        publish, rounds = flow.publish, 0

        def dying(*args: Any, **more: Any) -> Any:
            nonlocal rounds
            rounds += 1
            if rounds == 3:
                raise KeyboardInterrupt
            return publish(*args, **more)

        monkeypatch.setattr(flow, "publish", dying)
        with pytest.raises(BaseException, match="") as stopped:
            compare_posts(spec, ARMS, ALL, FREE)
        assert not isinstance(stopped.value, AssertionError)
        monkeypatch.setattr(flow, "publish", publish)
        before = server.stats["requests"]
        result = compare_posts(spec, ARMS, ALL, FREE)
        assert (
            result.reused > 0 and before + result.bought == server.stats["requests"] == server.stats["distinct"] == 18
        )
    found = read_comparison(written.store(), spec, ARMS, ALL)
    with FakeProvider(reply=BiasedJudge(first=0.3, noise=1.0)) as elsewhere:
        whole = spec.model_copy(update={"endpoint": elsewhere.url})
        compare_posts(whole, ARMS, ALL, FREE)
    assert read_comparison(written.store(), whole, ARMS, ALL).figures == found.figures


def test_failures_are_states_and_are_asked_again(written: Settings) -> None:
    two = ARMS[:2]
    with FakeProvider(reply=BiasedJudge(), faults=["500", "refusal", "ok", "ok"]) as server:
        spec = PairwiseSpec(model="openai/m", endpoint=server.url, max_attempts=1, max_concurrency=1)
        result = compare_posts(spec, two, ALL, FREE)
        assert result.failed == {"server_error": 1, "refusal": 1}
        overall = read_comparison(written.store(), spec, two, ALL).figures[0]
        assert overall.failed == {"refusal": 1, "server_error": 1} and overall.pairs - overall.complete in (1, 2)
        again = compare_posts(spec, two, ALL, FREE)
        assert (again.bought, again.failed) in (((1, {})), (1, {"refusal": 1})), "the refusal is final"
        after = read_comparison(written.store(), spec, two, ALL)
    assert after.figures[0].failed == {"refusal": 1} and after.figures[0].complete == 4
    assert "failed, and counted for nobody: 1 x refusal" in shown(after, again)


def test_what_cannot_be_compared_is_said_before_anything_is_bought(written: Settings) -> None:
    spec = PairwiseSpec()
    unknown = arm("full").model_copy(update={"name": "x", "prompt_spec_id": "?"})
    wrong: list[tuple[Callable[[], Any], str]] = [
        (lambda: compare_posts(spec, ARMS[:1], ALL), "no prompt has two candidates"),
        (lambda: compare_posts(spec, [ARMS[0], ARMS[0]], ALL), "two arms have one name"),
        (lambda: compare_posts(spec, ARMS, Selection(dataset="other")), "nothing to compare in 'other'"),
        (
            lambda: compare_posts(spec, [*ARMS, unknown], ALL),
            "the arm 'x' has no post",
        ),
        (lambda: compare_posts(PairwiseSpec(model="openai/m"), ARMS, ALL), "needs a key"),
        (lambda: compare_posts(PairwiseSpec(rubric="nice"), ARMS, ALL), "no such rubric"),
    ]
    for start, told in wrong:
        with pytest.raises(UserError, match=told):
            start()
    written.store().register(generation("full"))
    own = PairwiseSpec(model="openai/writer-full-2026-01-01", endpoint="http://127.0.0.1:9/v1")
    with pytest.raises(UserError, match="would compare what openai/writer-full wrote, its own model"):
        compare_posts(own, ARMS, ALL, FREE)
    assert written.store().query("SELECT count(*) AS n FROM comparisons") == [{"n": 0}]


def test_candidates_of_the_offline_writer_before_the_offline_judge(home: Settings, tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, generation={"candidates": 3})
    steps = Steps(home, campaign, limit=3)
    steps.ingest(), steps.describe(), steps.build(), steps.write()
    spec, selection = PairwiseSpec(), steps.selection
    result = compare_posts(spec, [], selection)
    assert result.rows == result.bought == 18 and result.failed == {}
    found = read_comparison(home.store(), spec, [], selection)
    overall = found.figures[0]
    assert (overall.flips.value, overall.inconsistent, found.offline, found.cost_usd) == (0.0, 0, True, 0.0)
    assert [standing.pairs for standing in overall.standings] == [6, 6, 6] and 0 <= overall.ties < 9
    assert "offline: counted, not an opinion" in shown(found, result)
