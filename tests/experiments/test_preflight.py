"""What is wrong with an experiment is said before anything is computed or bought, naming the arms."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.errors import UserError
from components.experiments import arms_of, pairwise_of
from components.judgments.rubric import RUBRICS
from flows.preflight import preflight_arms
from flows.settings import Settings
from tests.experiments.homes import spec_of


def preflight(folder: Path, arms: dict[str, Any], **more: Any) -> None:
    spec = spec_of(folder, arms=arms, **more)
    made = arms_of(spec)
    preflight_arms(made, pairwise_of(spec, made), Settings(folder / "home").prepare().store())


def test_arms_on_different_scales_are_refused(tmp_path: Path) -> None:
    five = tmp_path / "five.yaml"
    rubric = yaml.safe_load((RUBRICS / "mpwl.yaml").read_text("utf-8"))
    aspects = [aspect | {"levels": {1: "bad", 5: "good"}} for aspect in rubric["aspects"]]
    five.write_text(yaml.safe_dump(rubric | {"scale": {"min": 1, "max": 5}, "aspects": aspects}), encoding="utf-8")
    arms = {"full": {}, "plain": {"prompt": {"template": "plain"}}, "short": {"judge": {"rubric": str(five)}}}
    with pytest.raises(UserError, match=r"judge\.rubric: .*full, plain by 1 to 10; short by 1 to 5"):
        preflight(tmp_path, arms)
    preflight(tmp_path, {"full": {}, "other": {"judge": {"rubric": "persuasion"}}})


def test_a_rubric_that_pairs_cannot_be_compared_by_is_refused(tmp_path: Path) -> None:
    arms: dict[str, Any] = {"full": {}, "plain": {"prompt": {"template": "plain"}}}
    preflight(tmp_path, arms, pairwise={})
    with pytest.raises(UserError, match=r"^pairwise\.rubric: rubric brand judges by brief"):
        preflight(tmp_path, arms, pairwise={"rubric": "brand"})


def test_pairs_of_arms_that_all_have_the_same_posts_are_refused(tmp_path: Path) -> None:
    arms: dict[str, Any] = {"full": {}, "twice": {"judge": {"repeats": 2}}}
    preflight(tmp_path, arms)
    with pytest.raises(UserError, match=r"^pairwise: the arms full, twice have the same posts"):
        preflight(tmp_path, arms, pairwise={})
