"""Experiment files: what they say, what is refused before anything is spent, and how arms are made comparable."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.errors import UserError
from components.experiments import arms_of, experiment_id, load_experiment, notes_of, pairwise_of, purse_of
from components.prompts import known_templates

SHIPPED = ("mpwl-ablation", "mpwl-baselines", "templates", "platforms")
CAMPAIGNS = Path(__file__).parents[2] / "campaigns"
ARMS: dict[str, Any] = {"full": {}, "minus-topic": {"without": ["topic"]}}


def write(folder: Path, **fields: Any) -> Path:
    (folder / "base.yaml").write_text("name: base\ndataset: {source: folder, path: pictures}\n")
    (folder / "pictures").mkdir(exist_ok=True)
    file = folder / "mine.yaml"
    data = {"name": "mine", "campaign": "base.yaml", "arms": ARMS, "baseline": "full"} | fields
    file.write_text(yaml.safe_dump({name: value for name, value in data.items() if value is not None}, sort_keys=False))
    return file


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_files_are_experiments(name: str) -> None:
    spec = load_experiment(CAMPAIGNS / f"{name}.yaml")
    arms = arms_of(spec)
    assert spec.name == name and arms[0].name == spec.baseline and len(arms) > 5
    assert all(arm.same_as is None for arm in arms)
    assert {arm.campaign.prompt.template for arm in arms} <= set(known_templates())
    assert all("paper" in claim.by for claim in spec.claims)


def test_the_ablation_has_the_arms_of_the_method() -> None:
    arms = {arm.name: arm.campaign for arm in arms_of(load_experiment(CAMPAIGNS / "mpwl-ablation.yaml"))}
    full = set(arms["full"].prompt.words)
    left_out = {name: full - set(campaign.prompt.words) for name, campaign in arms.items()}
    assert left_out["minus-scene"] == {"scene"} and left_out["caption-only"] == full - {"caption"}
    assert arms["plain-prompt"].prompt.template == "plain"
    assert [name for name, campaign in arms.items() if campaign.features.crops != "none"] == ["with-parts"]
    ablations = {campaign.features.id for name, campaign in arms.items() if name != "with-parts"}
    assert len(ablations) == 1, "they share every feature"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"arms": {**ARMS, "odd": {"prompt": {"wordz": ["topic"]}}}}, "odd: unknown field prompt.wordz; did you mean"),
        ({"arms": {**ARMS, "odd": {"promt": {}}}}, "odd: unknown field promt; did you mean prompt"),
        ({"arms": {**ARMS, "odd": {"generation": {"temperature": 9}}}}, "odd: generation.temperature = 9"),
        ({"arms": {**ARMS, "odd": {"budget": {"usd": 5}}}}, "odd: all arms share the campaign's budget"),
        ({"arms": {**ARMS, "odd": {"dataset.path": "x"}}}, "odd: all arms share the campaign's dataset"),
        ({"arms": {**ARMS, "odd": {"without": ["tone"]}}}, "odd: without = ['tone']: name prompt words:"),
        ({"arms": {**ARMS, "odd": {"prompt.words": ["caption"], "without": "topic"}}}, "topic is not among"),
        ({"arms": {"full": {}}}, "1 arms; an experiment compares two or more"),
        ({"baseline": "all"}, "baseline = 'all': there is no arm 'all'; the arms are full, minus-topic"),
        ({"claims": [{"better": "full", "than": ["nobody"]}]}, "there is no arm 'nobody'"),
        ({"claims": [{"better": "full", "than": []}]}, "claims.0.than"),
        ({"items": {"sample": 0}}, "items.sample = 0"),
        ({"arm": {}}, "unknown field arm; did you mean arms"),
        ({"campaign": None}, "campaign is missing"),
        ({"campaign": "absent.yaml"}, "absent.yaml"),
        ({"campaign": {"dataset": {"source": "folder", "path": "pictures"}, "judge": {"modle": "x"}}}, "judge.modle"),
        ({"name": "a/b"}, "name = 'a/b'"),
        ({"arms": {**ARMS, "odd": "plain"}}, "arms.odd"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as error:
        load_experiment(write(tmp_path, **fields))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_words_for_the_campaign_and_words_for_the_experiment(tmp_path: Path) -> None:
    file = write(tmp_path)
    spec = load_experiment(file, ["generation.model=openai/x", "items.sample=7", "items.limit=3", "judge.repeats=2"])
    assert (spec.campaign.generation.model, spec.items.sample, spec.selection.limit) == ("openai/x", 7, 3)
    assert [arm.campaign.judge.repeats for arm in arms_of(spec)] == [2, 2]
    with pytest.raises(UserError, match=r"unknown field generation\.modle"):
        load_experiment(file, ["generation.modle=openai/x"])


def test_paths_are_relative_to_the_file_they_stand_in(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "own.j2").write_text("{% block system %}s{% endblock %}{% block user %}{{ caption }}{% endblock %}")
    (tmp_path / "deep" / "base.yaml").write_text("name: base\ndataset: {source: folder, path: pictures}\n")
    arms = {**ARMS, "own": {"prompt.template": "own.j2"}}
    spec = load_experiment(write(tmp_path, campaign="deep/base.yaml", arms=arms))
    assert spec.campaign.dataset.path == tmp_path / "deep" / "pictures"
    assert arms_of(spec)[2].campaign.prompt.template == str(tmp_path / "own.j2")
    assert arms_of(spec)[2].overrides == {"prompt.template": "own.j2"}, "an id does not depend on where a file lies"


def test_every_arm_is_judged_alike(tmp_path: Path) -> None:
    arms = {**ARMS, "crops": {"features": {"crops": "saliency"}}, "human": {"generation": {"model": "human/source"}}}
    panel = "panel=[{model: offline/judge, rubric: persuasion}]"
    spec = load_experiment(write(tmp_path, arms=arms), ["judge.batch_context=4", panel])
    assert all(len(arm.judges) == 2 for arm in arms_of(spec))
    for judge in (judge for arm in arms_of(spec) for judge in arm.judges):
        assert (judge.batch_context, judge.source_text) == (0, False)
    by_name = {arm.name: arm.campaign for arm in arms_of(spec)}
    assert {campaign.judge.batch_context for campaign in by_name.values()} == {0}, "nothing stands beside a post"
    assert {campaign.judge.source_text for campaign in by_name.values()} == {False}, "one arm is that text"
    assert by_name["crops"].judge.words_from == by_name["full"].features.id, "the baseline's words are the yardstick"
    assert by_name["minus-topic"].judge.words_from == by_name["human"].judge.words_from == ""
    assert any("human arm" in note for note in notes_of(spec, arms_of(spec)))
    with pytest.raises(UserError, match=r"minus-topic: judge\.batch_context cannot be set"):
        arms_of(load_experiment(write(tmp_path, arms={"full": {}, "minus-topic": {"judge.batch_context": 2}})))


def test_pairs_are_compared_against_the_words_of_the_baseline(tmp_path: Path) -> None:
    def compared_by(**arms: Any) -> tuple[Any, Any, bool]:
        spec = load_experiment(write(tmp_path, arms={**ARMS, **arms}, pairwise={"repeats": 2}))
        made = arms_of(spec)
        pairwise, ids = pairwise_of(spec, made), {arm.name: arm.spec_ids for arm in made}
        assert pairwise is not None and spec.pairwise is not None
        same = experiment_id(spec, ids, ["i"], pairwise) == experiment_id(spec, ids, ["i"])
        return pairwise.words_from, made[0].campaign.features.id, same and pairwise.id == spec.pairwise.id

    words_from, _, is_same = compared_by()
    assert words_from == "" and is_same, "what all arms share changes no id"
    words_from, baseline, is_same = compared_by(crops={"features": {"crops": "saliency"}})
    assert words_from == baseline and not is_same


def test_a_person_has_no_temperature_or_endpoint(tmp_path: Path) -> None:
    arms = {**ARMS, "human": {"generation": {"model": "human/source"}}}
    overrides = ["generation.model=openai/x", "generation.endpoint=http://127.0.0.1:1/v1", "generation.candidates=3"]
    by_name = {arm.name: arm.campaign for arm in arms_of(load_experiment(write(tmp_path, arms=arms), overrides))}
    human = by_name["human"].generation
    assert (human.model, human.endpoint, human.candidates) == ("human/source", None, 1)
    assert by_name["full"].generation.candidates == 3


def test_two_arms_that_are_the_same_are_said_to_be(tmp_path: Path) -> None:
    arms = {"full": {}, "again": {"generation": {"rpm": 5}}, "other": {"generation": {"seed": 5}}}
    spec = load_experiment(write(tmp_path, arms=arms))
    assert [arm.same_as for arm in arms_of(spec)] == [None, "full", None], "limits give no other posts"
    assert "again is the same as full: its differences are nil." in notes_of(spec, arms_of(spec))


def test_ids_change_with_what_is_asked_and_with_nothing_else(tmp_path: Path) -> None:
    def ids(items: list[str], overrides: list[str], **fields: Any) -> tuple[str, str]:
        spec = load_experiment(write(tmp_path, **fields), overrides)
        arms = arms_of(spec)
        return experiment_id(spec, {arm.name: arm.spec_ids for arm in arms}, items), purse_of(spec, arms)

    first = ids(["a", "b"], [])
    assert first == ids(["a", "b"], ["budget.usd=9", "generation.rpm=3", "judge.max_concurrency=2"])
    claims = [{"better": "full", "than": ["minus-topic"]}]
    for other, same_purse in (
        (ids(["a", "b", "c"], []), True),
        (ids(["a", "b"], [], claims=claims), True),
        (ids(["a", "b"], ["generation.seed=4"]), False),
        (ids(["a", "b"], ["items.sample=5"]), False),
        (ids(["a", "b"], [], baseline="minus-topic"), True),
    ):
        assert other[0] != first[0]
        assert (other[1] == first[1]) == same_purse or other[1] != first[1]
