"""What `postwright compare` makes of its words: arms, the judge of pairs, and what is wrong in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import UserError
from components.pairwise import PairwiseSpec
from flows.cli import parser
from flows.comparing_commands import campaigns_of, spec_of
from flows.settings import Settings
from tests.prefect_files import with_database


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    judge = "judge: {model: openai/m, temperature: 0.3, repeats: 2, rubric: own.yaml}"
    texts = {
        "mine": f"name: mine\ndataset: {{source: csv, path: x.csv}}\n{judge}",
        "other": "name: other\ndataset: {source: csv, path: x.csv}\nprompt: {template: plain}",
        "same": "name: mine\ndataset: {source: csv, path: x.csv}",
        "elsewhere": "name: elsewhere\ndataset: {source: csv, path: y.csv}",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return {name: str(tmp_path / f"{name}.yaml") for name in texts}


def test_arms_are_campaigns_and_changes_of_the_first(files: dict[str, str]) -> None:
    words = ["compare", files["mine"], files["other"], "--set", "generation.candidates=2"]
    args = parser().parse_args([*words, "--arm", "hot", "generation.temperature=1.5", "prompt.template=plain"])
    mine, other, hot = campaigns_of(args)
    assert [campaign.name for campaign in (mine, other, hot)] == ["mine", "other", "hot"]
    assert (hot.generation.temperature, hot.prompt.template, hot.generation.candidates) == (1.5, "plain", 2)
    assert (mine.generation.temperature, other.prompt.template, other.generation.candidates) == (0.7, "plain", 2)


def test_the_campaigns_judge_compares_unless_told_otherwise(files: dict[str, str]) -> None:
    def spec(*words: str, campaign: str = "mine") -> PairwiseSpec:
        args = parser().parse_args(["compare", files[campaign], *words])
        made = spec_of(campaigns_of(args)[0].judge, args)
        assert isinstance(made, PairwiseSpec)
        return made

    found = spec()
    assert (found.model, found.temperature, found.repeats, found.design) == ("openai/m", 0.3, 2, "all")
    assert found.rubric.endswith("own.yaml") and Path(found.rubric).is_absolute()
    assert spec(campaign="other").model == "offline/pairwise"
    changed = spec("--judge", "model=openai/n", "--judge", "picture=true", "--design", "swiss", "--pairs", "9")
    assert (changed.model, changed.picture, changed.design, changed.pairs, changed.repeats) == (
        "openai/n", True, "swiss", 9, 2,
    )  # fmt: skip
    for words, told in (
        (("--judge", "modle=x"), "unknown field modle; did you mean model?"),
        (("--judge", "repeats=99"), "repeats = 99"),
        (("--judge", "repeats"), "write it as"),
    ):
        with pytest.raises(UserError, match=told):
            spec(*words)


def test_what_cannot_compete_is_said(files: dict[str, str]) -> None:
    for words, told in (
        ([files["mine"], files["same"]], "two arms are called 'mine'"),
        ([files["mine"], files["elsewhere"]], "posts about different datasets"),
        ([files["mine"], "--arm", "hot", "generation"], "write it as section.field=value"),
        ([files["mine"], "--arm", "hot"], "the arm 'hot' changes nothing"),
    ):
        with pytest.raises(UserError, match=told):
            campaigns_of(parser().parse_args(["compare", *words]))


@pytest.mark.slow
def test_what_ends_the_flow_is_one_line_without_prefects_logs(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Prefect reads how much it is to say when it is imported, so nothing may import it before it is told."""
    home, campaign = tmp_path / "home", tmp_path / "c.yaml"
    campaign.write_text("name: mine\ndataset: {source: csv, path: x.csv}\n")
    with_database(Settings(home).prepare().home / "prefect", tmp_path_factory)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "POSTWRIGHT_"))}
    command = [sys.executable, "-m", "flows.cli", "compare", str(campaign), "--home", str(home)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("postwright: nothing to compare in 'x'")
    assert "Traceback" not in done.stderr + done.stdout and "INFO" not in done.stderr + done.stdout
