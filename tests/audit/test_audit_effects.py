"""Planted judges at the level of answers: every fault is seen at its strength, the fair judge is left alone."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.audit import planted
from components.audit.asking import Answers
from components.audit.effects import RULES, Effect, decide, of_units
from components.audit.material import Material, load_material
from components.audit.measuring import measure
from components.audit.own_family import SQL, asked_of, own_family
from components.audit.plan import plan_audit
from components.audit.self_test import planted_plan, simulate
from components.audit.verdicts import REMEDIES, TITLES, state, verdict
from components.judgments import load_rubric, rubric_id, rubric_text
from components.records import Judgment, Post, Prompt, Rating, Record, content_id
from components.specs import GenerationSpec, JudgeSpec
from components.warehouse.store import Store

RUBRIC = """
name: wit
title: Wit
scale: {min: 1, max: 5}
instructions: Judge the wit.
aspects:
  - {name: wit, title: Wit, question: Is it witty, levels: {1: Not at all., 5: Very.}}
  - {name: warmth, title: Warmth, question: Is it warm, levels: {1: Not at all., 5: Very.}}
"""
PLAN = planted_plan()
FAULTY = [name for name in planted.FAULTS if name != "clean"]


def test_a_fair_judge_raises_an_alarm_in_at_most_five_per_cent_of_audits() -> None:
    seen = simulate("clean", range(400), PLAN)
    assert 1 - seen.good / seen.runs <= 0.05, seen.alarms
    assert seen.means["scale"] == pytest.approx(1, abs=0.05) and seen.means["noise"] == pytest.approx(0.5, abs=0.05)
    others = [name for name in seen.means if name not in ("scale", "noise")]
    assert all(abs(seen.means[name]) < 0.05 for name in others), seen.means


@pytest.mark.parametrize("name", FAULTY)
def test_every_planted_fault_is_seen_at_its_strength(name: str) -> None:
    seen = simulate(name, range(40), PLAN)
    assert seen.good / seen.runs >= 0.95, seen
    if name in ("position", "length", "self-preference", "lenient"):  # as far as the scale's end lets it through
        probe, strength = {"position": ("context_position", 1.0), "length": ("length", 48 / 50),
                           "self-preference": ("style", 1.0), "lenient": ("leniency", 1.5)}[name]  # fmt: skip
        assert strength * 0.8 < seen.means[probe] <= strength * 1.05


def answers_of(name: str = "clean", seed: int = 1) -> Answers:
    return planted.answers(PLAN, name, seed)


def test_a_judge_that_never_varies_has_effects_without_doubt() -> None:
    fair = answers_of()
    levels = [[question.levels[name] for name in PLAN.aspects] for question in PLAN.questions]
    exact = np.repeat(np.array(levels)[:, None, :], 2, axis=1)
    found = {e.probe: e for e in measure(PLAN, Answers(exact, np.full_like(fair.choices, 0.5)))}
    assert not any(effect.alarm for effect in found.values())
    assert (found["scale"].value, found["noise"].value, found["halo"].value) == (pytest.approx(1), 0, pytest.approx(0))
    padded = [n for n, question in enumerate(PLAN.questions) if question.arm == "padded:3"]
    exact[padded] += 0.4
    (length,) = [e for e in measure(PLAN, Answers(exact, fair.choices)) if e.probe == "length"]
    assert length.alarm and (length.low, length.high) == (length.value, length.value) == (pytest.approx(0.4),) * 2
    assert verdict(length) == "gives 0.4 points (0.4 to 0.4) more to a post padded with 48 empty words"


def test_failed_readings_are_left_out_and_counted() -> None:
    fair = answers_of()
    scores = fair.scores.copy()
    lost = [n for n, question in enumerate(PLAN.questions) if question.arm == "padded:3"][:7]
    scores[lost, 0, 2] = np.nan  # one aspect of it
    found = {e.probe: e for e in measure(PLAN, replace(fair, scores=scores, failed={"padded:3": {"timeout": 7}}))}
    assert (found["length"].n, found["length"].failed) == (13, 7)
    nothing = measure(PLAN, Answers(np.full_like(scores, np.nan), np.full_like(fair.choices, np.nan)))
    assert [effect.value for effect in nothing] == [None] * len(RULES)
    assert all(state(effect) == "not measured" and "not measured: " in verdict(effect) for effect in nothing)


def test_few_posts_of_ones_own_are_measured_and_not_tested() -> None:
    three = Material(name="mine", posts=load_material().posts[:3])
    plan = plan_audit(three, load_rubric("mpwl"), 5, 2)
    found = {e.probe: e for e in measure(plan, planted.answers(plan, "lenient", 0))}
    assert found["leniency"].value is not None and found["leniency"].p is None and not found["leniency"].alarm
    assert "3 posts are too few to test" in verdict(found["leniency"])
    assert found["scale"].value is None


def test_another_rubrics_aspects_have_no_levels(tmp_path) -> None:
    path = tmp_path / "wit.yaml"
    path.write_text(RUBRIC, "utf-8")
    plan = plan_audit(load_material(), load_rubric(str(path)), 5, 2)
    assert plan.has_levels == ()
    found = {e.probe: e for e in measure(plan, planted.answers(plan, "length", 0))}
    assert [p for p in found if found[p].value is None] == ["own_family", "leniency", "scale", "halo"]
    assert found["length"].alarm


def test_an_alarm_needs_a_sure_effect_that_matters_in_the_direction_of_the_fault() -> None:
    rng = np.random.default_rng(0)
    small = of_units("length", rng.normal(0.2, 0.05, 40))
    large = of_units("length", rng.normal(0.8, 0.1, 40))
    unsure = of_units("length", rng.normal(0.8, 5.0, 6))
    wrong_way = of_units("length", rng.normal(-0.8, 0.1, 40))
    assert [effect.alarm for effect in decide([small, large, unsure, wrong_way])] == [False, True, False, False]


def test_holm_makes_each_p_larger_the_more_is_asked() -> None:
    effect = Effect("length", 0.5, 0.1, 0.9, 20, p=0.02)
    assert decide([effect])[0].alarm
    many = decide([effect, *(replace(effect, p=0.5) for _ in range(8))])
    assert many[0].p_holm == pytest.approx(0.18) and not many[0].alarm


def test_self_preference_is_the_difference_to_what_others_give_the_same_posts() -> None:
    def posts(writer: str, gap: float, n: int = 30) -> list[dict]:
        rng = np.random.default_rng(3)
        worth = rng.normal(6, 1, n)
        return [
            {"item_id": f"i{k}", "writer": writer, "mine": w + gap + e, "others": w}
            for k, (w, e) in enumerate(zip(worth, rng.normal(0, 0.5, n), strict=True))
        ]

    rows = posts("openai/gpt-4o-mini", 1.2) + posts("openai/meta-llama/Llama-3.1-8B", 0.3)
    effect = own_family(rows, "openai/gpt-4o")
    assert effect.value == pytest.approx(0.9) and decide([effect])[0].alarm
    assert "more to posts of its own family than other judges and people do" in verdict(effect)
    few = own_family(rows[:5], "openai/gpt-4o")
    assert few.value is None and "this home has 5 and 0" in verdict(few)
    fourfold = own_family([row for row in rows for _ in range(4)], "openai/gpt-4o")
    assert replace(fourfold, detail={}) == replace(effect, detail={}), "candidates of an item are one witness"
    assert own_family([{**row, "item_id": "one"} for row in rows], "openai/gpt-4o").value is None


def test_every_probe_has_a_title_and_a_remedy() -> None:
    assert list(TITLES) == list(REMEDIES) == list(RULES)


def test_people_and_judges_of_the_same_rubric_count_as_others(tmp_path: Path) -> None:
    """Posts of two writers, judged by the judge and rated by a person who likes both alike. Others who go by another
    rubric, or by one aspect alone, would hide what it does."""
    store, now, dice = Store(tmp_path / "w.duckdb"), datetime(2026, 11, 30, tzinfo=UTC), np.random.default_rng(1)
    store.prepare()
    (tmp_path / "wit.yaml").write_text(RUBRIC, "utf-8")
    judge = JudgeSpec(model="openai/gpt-4o", rubric=str(tmp_path / "wit.yaml"))
    mpwl, stranger = JudgeSpec(model=judge.model), JudgeSpec(model="openai/mistral-large")
    writers = [GenerationSpec(model=f"openai/{name}") for name in ("gpt-4o-mini", "meta-llama/Llama-3.1-8B")]
    store.register(judge, mpwl, stranger, *writers)
    texts = {"wit": rubric_id(RUBRIC), "mpwl": rubric_id(rubric_text("mpwl")), "wit, edited": rubric_id(f"{RUBRIC} ")}
    made: dict[str, list[Record]] = {"prompts": [], "posts": [], "judgments": [], "ratings": []}

    def judged(by: JudgeSpec, score: float, **ids: Any) -> None:
        for aspect in ("wit", "warmth"):
            key = content_id(by.id, ids["post_id"], aspect)
            made["judgments"].append(Judgment(judgment_id=key, spec_id=by.id, aspect=aspect, score=score, **ids))

    def rated(rater: str, rubric: str, score: float, *aspects: str, **ids: Any) -> None:
        for aspect in aspects:
            key = content_id(rater, rubric, ids["post_id"], aspect)
            made["ratings"].append(
                Rating(rating_id=key, rater=rater, rubric=rubric, aspect=aspect, score=score, slice="import",
                       rubric_id=texts[rubric], **ids)
            )  # fmt: skip

    for writer, gift in zip(writers, (1.5, 0.0), strict=True):
        for n in range(15):
            key = content_id(writer.model, n)
            made["prompts"].append(Prompt(prompt_id=key, item_id=f"i{n}", spec_id="", platform="x", template="",
                                          system="", user=""))  # fmt: skip
            made["posts"].append(
                Post(post_id=key, prompt_id=key, spec_id=writer.id, platform="x", text="A.", created_at=now)
            )
            worth, ids = float(np.round(dice.normal(3, 1))), {"post_id": key, "created_at": now}
            judged(judge, worth + gift, **ids)
            rated("ann", "wit", worth, "wit", "warmth", **ids)
            judged(mpwl, 9.0, **ids)
            judged(stranger, worth + 4 * gift, **ids)
            rated("bob", "mpwl", worth + 4 * gift, "wit", "warmth", **ids)
            rated("cem", "wit", worth + 4 * gift, "wit", **ids)
            rated("dan", "wit, edited", worth + 4 * gift, "wit", "warmth", **ids)
    store.append(made)
    effect = own_family(store.query(SQL, asked_of(judge)), judge.model)
    assert effect.value == pytest.approx(1.5) and effect.n == 30 and decide([effect])[0].alarm
