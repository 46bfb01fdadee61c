"""Campaign files: what is wrong is told in one line that names the file, the field and the value."""

from pathlib import Path

import pytest

from components.errors import UserError
from components.experiments import load_experiment
from components.learning.spec import load_evaluation, load_training
from components.specs import ChatSpec, FeatureSpec, GenerationSpec, JudgeSpec, PromptSpec
from components.specs.campaign_file import load_campaign

ROOT = Path(__file__).parents[2]
GOOD = "name: mine\ndataset: {source: folder, path: pictures}\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_the_shipped_campaigns_are_valid() -> None:
    files = sorted((ROOT / "campaigns").glob("*.yaml"))
    assert files
    readers = {"train": load_training, "evaluate": load_evaluation}
    for file in files:
        reader = load_experiment if "\narms:" in file.read_text() else load_campaign
        readers.get(file.stem.partition("-")[0], reader)(file)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    campaign = load_campaign(write(tmp_path, GOOD + "prompt: {template: own.j2}\njudge: {rubric: own.yaml}\n"))
    assert campaign.dataset.path == tmp_path / "pictures"
    assert campaign.dataset.name == "pictures"
    assert campaign.prompt.template == str(tmp_path / "own.j2")
    assert campaign.judge.rubric == str(tmp_path / "own.yaml")
    assert campaign.features.models == "starter"


def test_judges_of_a_panel_have_paths_and_overrides_too(tmp_path: Path) -> None:
    text = GOOD + (
        "judge: {model: openai/m, rubric: brand, brief: brand.md}\n"
        "panel:\n  - {rubric: own.yml}\n  - {model: openai/m, rubric: brand, brief: 'Calm. See notes.md'}\n"
    )
    campaign = load_campaign(write(tmp_path, text), ["panel.0.repeats=3", "panel.1.brief=brief.txt"])
    assert campaign.judge.brief == str(tmp_path / "brand.md")
    assert (campaign.panel[0].rubric, campaign.panel[0].repeats) == (str(tmp_path / "own.yml"), 3)
    assert campaign.panel[1].brief == str(tmp_path / "brief.txt")
    for override, said in (
        ("panel.2.repeats=3", "2 is not one of the 2 there; the first is 0"),
        ("panel.x.repeats=3", "x is not one"),
        ("panel.0=[", "not YAML"),
        ("panel.-1.repeats=1", "-1 is not one"),
    ):
        with pytest.raises(UserError, match="--set") as caught:
            load_campaign(write(tmp_path, text), [override])
        assert said in str(caught.value)
    with pytest.raises(UserError, match=r"unknown field panel\.1\.rubrik; did you mean rubric\?"):
        load_campaign(write(tmp_path, text.replace("rubric: brand, brief: 'Calm", "rubrik: brand, brief: 'Calm")))
    with pytest.raises(UserError, match=r"panel\.0\.repeats = 0"):
        load_campaign(write(tmp_path, text), ["panel.0.repeats=0"])


def test_overrides_are_yaml(tmp_path: Path) -> None:
    campaign = load_campaign(
        write(tmp_path, GOOD),
        ["generation.temperature=0.2", "prompt.words=[caption, topic]", "budget.allow_unpriced=true"],
    )
    assert campaign.generation.temperature == 0.2
    assert campaign.prompt.words == ("caption", "topic")
    assert campaign.budget.allow_unpriced


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [unclosed", "line 1"),
        ("- a\n- list\n", "found list"),
        ("", "found NoneType"),
        ("name: mine\n", "dataset is missing"),
        (GOOD + "generatoin: {}\n", "did you mean generation?"),
        (GOOD + "generation: {temprature: 1}\n", "did you mean temperature?"),
        (GOOD + "generation: {temperature: 9}\n", "generation.temperature = 9"),
        (GOOD + "generation: {model: gpt}\n", "generation.model = 'gpt'"),
        (GOOD + "prompt: {words: [colour]}\n", "prompt.words.0 = 'colour'"),
        ("name: mine\ndataset: {source: ftp, path: x}\n", "dataset.source = 'ftp'"),
        ("name: mine\ndataset: {source: folder, path: 5}\n", "dataset.path = 5"),
        ("name: '../up'\ndataset: {source: folder, path: x}\n", "name = '../up'"),
        (GOOD + "budget: {usd: lots}\n", "budget.usd = 'lots'"),
        (
            GOOD + "generation: {candidates: 3, temperatures: [0.1, 0.2]}\n",
            "mine.yaml: generation: 2 temperatures for 3 candidates; give as many temperatures as candidates",
        ),
        (
            GOOD + "features: {told: {model: offline/writer}}\n",
            "features.told: offline/writer sees no pictures; name a model that does",
        ),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_campaign(write(tmp_path, text))
    assert said in str(caught.value)
    assert "mine.yaml" in str(caught.value)
    assert "\n" not in str(caught.value) and "Value error" not in str(caught.value)


def test_a_key_in_place_of_its_variables_name_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"judge\.api_key_env") as caught:
        load_campaign(write(tmp_path, GOOD + "judge: {api_key_env: sk-looks-like-a-key}\n"))
    assert "sk-looks" not in str(caught.value)


@pytest.mark.parametrize("override", ["temperature", "=3", "name.inner=3", "judge.repeats=[1"])
def test_a_wrong_override_is_one_clear_line(tmp_path: Path, override: str) -> None:
    with pytest.raises(UserError, match="--set"):
        load_campaign(write(tmp_path, GOOD), [override])


def test_a_missing_or_unreadable_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no campaign file"):
        load_campaign(tmp_path / "gone.yaml")
    with pytest.raises(UserError, match="is a folder"):
        load_campaign(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(UserError, match="UTF-8"):
        load_campaign(tmp_path / "binary.yaml")


@pytest.mark.parametrize("spec", [GenerationSpec(), JudgeSpec()])
def test_limits_and_key_names_are_no_part_of_an_id(spec: ChatSpec) -> None:
    other = {"max_concurrency": 3, "rpm": 10, "tpm": 10, "timeout_s": 5.0, "max_attempts": 2, "api_key_env": "OTHER"}
    assert spec.model_copy(update=other).id == spec.id
    for field, value in {
        "model": "openai/x",
        "temperature": 1.5,
        "max_output_tokens": 9,
        "seed": 4,
        "picture": True,
    }.items():
        assert spec.model_copy(update={field: value}).id != spec.id, field


def test_the_contents_of_named_files_are_part_of_an_id(tmp_path: Path) -> None:
    template = tmp_path / "own.j2"
    shipped = (ROOT / "components/prompts/templates/mpwl.j2").read_text()
    template.write_text(shipped)
    before = PromptSpec(template=str(template)).id
    template.write_text(shipped + "{# one word more #}")
    assert PromptSpec(template=str(template)).id != before
    rubric = tmp_path / "own.yaml"
    shipped = (ROOT / "components/judgments/rubrics/mpwl.yaml").read_text()
    rubric.write_text(shipped)
    before = JudgeSpec(rubric=str(rubric)).id
    rubric.write_text(shipped.replace("10", "ten", 1))
    assert JudgeSpec(rubric=str(rubric)).id != before


def test_a_moved_file_is_the_same_file(tmp_path: Path) -> None:
    for spec, field, file in (
        (PromptSpec(), "template", "components/prompts/templates/mpwl.j2"),
        (JudgeSpec(), "rubric", "components/judgments/rubrics/mpwl.yaml"),
    ):
        places = [tmp_path / field / place / f"own{Path(file).suffix}" for place in ("here", "there")]
        for place in places:
            place.parent.mkdir(parents=True)
            place.write_text((ROOT / file).read_text())
        assert len({spec.model_copy(update={field: str(place)}).id for place in places}) == 1
        assert spec.model_copy(update={field: str(places[0])}).id != spec.id


def test_batch_size_and_device_change_no_id() -> None:
    assert FeatureSpec(batch_size=1, device="cpu").id == FeatureSpec().id
    assert FeatureSpec(temperature=0.5).id != FeatureSpec().id


def test_how_one_candidate_would_be_chosen_changes_no_id() -> None:
    assert GenerationSpec(choose="clip").id == GenerationSpec(choose="judge").id == GenerationSpec().id
    assert len({GenerationSpec(candidates=2, choose=how).id for how in ("all", "judge", "clip")}) == 3


def test_an_experiment_is_no_campaign() -> None:
    with pytest.raises(UserError, match=r"is an experiment, with arms; run it by: postwright experiment"):
        load_campaign(ROOT / "campaigns/mpwl-ablation.yaml")
