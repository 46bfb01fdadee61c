"""Experiments on a real Prefect server: what the tables find, what is bought, what stops and goes on."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.chat import prices
from components.drawings.drawing import draw
from components.errors import BudgetExceeded, UserError
from components.experiments import ExperimentSpec, arms_of, load_experiment, purse_of
from components.experiments.read import begun_by, find_experiment, read_experiment
from flows import buying, progress
from flows.experiment_results import ExperimentResult, finish_experiment, result_of
from flows.progress import Advance, Part
from flows.run_experiment import run_experiment
from flows.settings import Settings
from tests.fake_provider import FakeProvider

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SCENES = ("beach", "mountains", "forest", "snow", "desert", "field", "lake", "harbour", "stadium", "kitchen", "cafe",
          "concert")  # fmt: skip
N = len(SCENES)
WORDS = ("topic", "sentiment", "scene", "keywords")
ABLATIONS = {f"minus-{word}": {"without": [word]} for word in WORDS} | {"caption-only": {"without": list(WORDS)}}
SHOWS_SCENE = "It feels like the"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen drawn pictures, each of another scene."""
    folder = tmp_path_factory.mktemp("dozen")
    for n, scene in enumerate(SCENES):
        draw(9_700_000 + n, size=160, scene=scene).image.save(folder / f"{scene}.jpg", quality=85)
    lines = [f'{scene}.jpg,"Note {n}.",2026-03-{n + 1:02}T10:00:00Z' for n, scene in enumerate(SCENES)]
    (folder / "posts.csv").write_text("image,text,published_at\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return folder


def scripted(body: dict[str, Any]) -> str:
    """A captioner, a writer that says the scene it is told, and a judge that rewards that and nothing else."""
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[0].get("text", "")
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    if schema:
        post = text.partition("<post>")[2].partition("</post>")[0]
        better = {"relevance_clarity": 4 * (SHOWS_SCENE in post)}
        return json.dumps({
            name: {"reasoning": "read", "score": 4 + better.get(name, 0)} for name in schema["properties"]
        })  # fmt: skip
    if not isinstance(content, str):
        return f"A drawing with the mark {abs(hash(json.dumps(content))) % 10**6}."
    told = dict(re.findall(r"<(\w+)>(.*?)</\1>", text))
    feels = f" {SHOWS_SCENE} {told['scene']}." if "scene" in told else ""
    return f"{told.get('caption', 'Nothing told')} ({', '.join(sorted(told))}).{feels}"


def spec_of(pictures: Path, arms: dict[str, Any], **sections: Any) -> ExperimentSpec:
    campaign = {"name": "base", "dataset": {"source": "folder", "path": pictures}, **sections}
    baseline = next(iter(arms))
    return ExperimentSpec.model_validate({"name": "test", "campaign": campaign, "arms": arms, "baseline": baseline})


def by_server(server: FakeProvider) -> dict[str, Any]:
    chat = {"model": "openai/fake", "endpoint": server.url}
    return {"generation": chat, "judge": chat | {"allow_own_model": True}, "budget": {"allow_unpriced": True}}


def calls(home: Settings) -> dict[str, int]:
    rows = home.store().query("SELECT stage, count(DISTINCT call_key) AS n, count(*) AS rows FROM calls GROUP BY stage")
    assert all(row["n"] == row["rows"] for row in rows), "no call is bought twice"
    return {row["stage"]: row["n"] for row in rows}


def told(result: ExperimentResult) -> dict[str, Any]:
    """Everything that is computed; not how long it took or what was new."""
    return {name: value for name, value in asdict(result).items() if name not in ("bought", "seconds", "report")}


def test_a_judge_that_rewards_scene_words_is_found_out_and_calls_are_shared(home: Settings, drawn: Path) -> None:
    with FakeProvider(reply=scripted) as server:
        sections = by_server(server)
        told_by = {"told": {"model": "openai/fake", "endpoint": server.url}}
        arms: dict[str, Any] = {"full": {}, **ABLATIONS}
        spec = spec_of(drawn, arms, features=told_by, prompt={"abstain": False}, **sections)
        result = run_experiment(spec, parallel=2)
        assert result.partial is None and result.items == N
        # Five ablations: no extra captioning, and less than five further full runs.
        bought = calls(home)
        assert bought["caption"] == N
        assert bought["generate"] == N * len(arms), "each prompt is another one"
        full = 3 * N
        assert sum(bought.values()) - full < len(ABLATIONS) * full
        assert sum(bought.values()) == result.calls == server.stats["requests"]
    # Only arms without scenes differ from the full one, and only in the aspect that the judge gives for them.
    blind = {"minus-scene", "caption-only"}
    assert {row["arm"]: row["verdict"] for row in result.overall} == {
        arm: "lower" if arm in blind else "not told apart" for arm in arms if arm != "full"
    }
    found = {(row["arm"], row["aspect"]) for row in result.aspects if row["verdict"] != "not told apart"}
    assert found == {(arm, "relevance_clarity") for arm in blind}
    assert {round(row["difference"], 6) for row in result.overall} == {-1.0, 0.0}
    assert {row["n"] for row in result.overall} == {N}
    # The same rows, the same tables and the same page, from the warehouse alone.
    page = Path(result.report or "").read_bytes()
    replayed = finish_experiment(find_experiment(home.store(), "test"), home)
    assert told(result) == told(replayed)
    assert Path(replayed.report or "").read_bytes() == page
    shutil.rmtree(home.calls)
    again = finish_experiment(find_experiment(home.store(), "test"), home)
    assert told(again) == told(result) and again.calls and again.arms[0]["latency_ms"] is not None
    assert Path(again.report or "").read_bytes() == page, "also without the journal"
    runs = home.store().query("SELECT DISTINCT campaign, state, purse FROM runs ORDER BY campaign")
    assert [row["campaign"] for row in runs] == sorted(f"test.{arm}" for arm in arms)
    assert {row["state"] for row in runs} == {"done"} and len({row["purse"] for row in runs}) == 1


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeProvider], dict[str, Any]]:
    """A writer whose every call could cost 0.10 USD."""

    def generation(server: FakeProvider) -> dict[str, Any]:
        _, listed = prices._load(prices.FILE)
        monkeypatch.setitem(listed, f"openai/fake@{server.url}", {"input": 0.0, "output": 1000.0})
        return {"model": "openai/fake", "endpoint": server.url, "max_output_tokens": 100, "max_concurrency": 1}

    return generation


def test_a_budget_that_ends_in_the_middle_leaves_partial_tables_and_goes_on(
    home: Settings, drawn: Path, priced: Callable[[FakeProvider], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider(reply=lambda body: scripted(body) + " and so on and on" * 12) as server:
        arms: dict[str, Any] = {"full": {}, "minus-scene": {"without": ["scene"]}}

        def spec(usd: float) -> ExperimentSpec:
            monkeypatch.setattr(buying, "_ledgers", {})  # as the next command does not know it
            made = spec_of(drawn, arms, generation=priced(server), prompt={"abstain": False}, budget={"usd": usd})
            return made.model_copy(update={"items": made.items.model_copy(update={"limit": 4})})

        with pytest.raises(BudgetExceeded, match=r"1 of 2 arms stopped and 1 not started, first full: "):
            run_experiment(spec(0.22))
        made = begun_by(home.store(), purse_of(spec(1), arms_of(spec(1))))
        assert made is not None
        partial = result_of(read_experiment(home.store(), made))
        assert partial.partial and "full: budget exceeded; minus-scene: not run" in partial.partial
        assert [arm["state"] for arm in partial.arms] == ["budget_exceeded", "not run"]
        assert [arm["not_run"] for arm in partial.arms] == [4, 4] and partial.overall[0]["n"] == 0
        assert "partial" in Path(finish_experiment(made, home).report or "").read_text("utf-8")
        result = run_experiment(spec(9))
        assert result.partial is None and result.experiment_id == made
        assert server.stats["requests"] == 8, "what was bought before is not bought again"
        assert (result.cost_usd or 0) > 0.22


class Interrupting(progress.Silence):
    """Somebody presses Ctrl-C when the step `label` begins for the second time."""

    def __init__(self, label: str) -> None:
        self.label, self.met = label, 0

    def start(self, label: str, total: int, part: Part | None = None) -> Advance:
        self.met += label == self.label
        if self.met == 2:
            raise KeyboardInterrupt
        return super().start(label, total, part)


@pytest.fixture
def closed() -> Iterator[FakeProvider]:
    with FakeProvider(reply=scripted, key="another") as server:
        yield server


def test_an_arm_that_fails_is_its_own_state_and_an_interrupted_experiment_goes_on(
    home: Settings, drawn: Path, closed: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider(reply=scripted) as server:
        arms = {"full": {}, "locked": {"generation.endpoint": closed.url}, "plain": {"prompt.template": "plain"}}
        spec = spec_of(drawn, arms, **by_server(server))
        spec = spec.model_copy(update={"items": spec.items.model_copy(update={"sample": 3, "seed": 5})})
        with monkeypatch.context() as meanwhile, pytest.raises(KeyboardInterrupt):
            meanwhile.setattr(progress, "_listener", Interrupting("judge posts"))
            run_experiment(spec)
        states = home.store().query("SELECT campaign, state FROM runs ORDER BY started_at")
        assert {row["campaign"]: row["state"] for row in states} == {
            "test.full": "done", "test.locked": "provider_stopped", "test.plain": "interrupted",
        }  # fmt: skip
        bought = server.stats["requests"]
        closed.key = None
        result = run_experiment(spec)
        assert closed.stats["by_end"]["ok"] == 3
        # The readings that were not begun; those of the arm that was locked are the full one's.
        assert server.stats["requests"] == bought + 3
    assert result.partial is None and result.items == 3
    assert [arm["scored"] for arm in result.arms] == [3, 3, 3]
    assert (result.overall[0]["arm"], result.overall[0]["difference"]) == ("locked", 0.0), "the same prompts"
    (rows,) = home.store().query("SELECT count(DISTINCT items) AS n, min(len(items)) AS items FROM arms")
    assert rows == {"n": 1, "items": 3}


def test_people_and_other_prompts_are_judged_alike(home: Settings) -> None:
    """Of the shipped baselines, offline, on four sample pictures."""
    file = Path(__file__).parents[2] / "campaigns" / "mpwl-baselines.yaml"
    spec = load_experiment(file, ["items.limit=4", "claims=[]"])
    arms = {name: spec.arms[name] for name in ("mpwl", "human", "chain-of-thought")}
    result = run_experiment(spec.model_copy(update={"arms": arms}), parallel=2)
    assert [arm["scored"] for arm in result.arms] == [4] * 3 and result.partial is None
    store = home.store()
    human = store.query(
        """SELECT i.text AS source, po.text, po.cost_usd, po.call_key FROM posts po JOIN prompts USING (prompt_id)
        JOIN items i USING (item_id) JOIN specs s ON s.spec_id = po.spec_id
        WHERE s.params->>'$.model' = 'human/source'"""
    )
    assert len(human) == 4 and all(row["text"] == row["source"].strip() for row in human)
    assert {(row["cost_usd"], row["call_key"]) for row in human} == {(0.0, None)}
    thoughts = store.query(
        """SELECT po.text, po.error FROM posts po JOIN prompts p USING (prompt_id)
        WHERE p.template = 'chain_of_thought'"""
    )
    assert all(row["error"] is None and "<post>" not in row["text"] for row in thoughts) and len(thoughts) == 4
    assert not any("no thought goes into it" in row["text"] for row in thoughts)
    lines = [line for path in home.calls.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    judged = [line for line in lines if '"stage":"judge"' in line]
    assert len(judged) == 12 and all("</post>" in line for line in judged)
    assert not any("</source_text>" in line or "</other_post>" in line for line in judged), "nothing tells the arm"


@pytest.mark.drill
def test_the_shipped_ablation_runs_as_it_is(home: Settings) -> None:
    """All arms and claims, offline, on two sample pictures."""
    file = Path(__file__).parents[2] / "campaigns" / "mpwl-ablation.yaml"
    spec = load_experiment(file, ["items.limit=2"])
    result = run_experiment(spec, parallel=2)
    assert result.partial is None and result.items == 2
    assert {arm["arm"]: arm["scored"] for arm in result.arms} == dict.fromkeys(spec.arms, 2)
    assert [row["arm"] for row in result.overall] == [name for name in spec.arms if name != spec.baseline]
    assert len(result.claims) == 4 + 2 + 3 and {row["n"] for row in result.overall} == {2}
    (told,) = home.store().query(
        """SELECT count(DISTINCT p.spec_id) AS prompts, count(DISTINCT p.feature_spec_id) AS features,
               count(DISTINCT po.post_id) AS posts, count(po.error) AS failed
        FROM posts po JOIN prompts p USING (prompt_id)"""
    )
    assert told == {"prompts": len(spec.arms), "features": 2, "posts": 2 * len(spec.arms), "failed": 0}
    assert "with-parts" in Path(result.report or "").read_text("utf-8")


def test_no_items_is_wrong_input_and_nothing_is_bought(home: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("text,published_at\nTwo boats.,2026-03-01\n", encoding="utf-8")
    dataset = {"source": "csv", "path": tmp_path / "empty.csv"}
    spec = spec_of(tmp_path, {"full": {}, "plain": {"prompt": {"template": "plain"}}}, dataset=dataset)
    late = spec.items.model_copy(update={"published_from": datetime(2027, 1, 1, tzinfo=UTC)})
    spec = spec.model_copy(update={"items": late})
    with pytest.raises(UserError, match="has no items"):
        run_experiment(spec)
    assert home.store().query("SELECT count(*) AS n FROM calls") == [{"n": 0}]
