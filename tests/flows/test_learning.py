"""Training and evaluating from end to end: what is learned is measured, gated, put to use, and used by a run."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.errors import CheckFailed, UserError
from components.features import forward_passes, model_set_fingerprint
from components.learning.spec import EvaluationSpec, TrainingSpec, load_training
from components.specs import DatasetSpec, FeatureSpec, Selection
from flows.evaluate_prompt_words import evaluate_prompt_words
from flows.extract_features import extract_features
from flows.ingest_items import ingest_items
from flows.settings import Settings
from flows.train_prompt_words import train_prompt_words


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Composed sentences with a mood, by forty writers."""
    from components.starter.sentences import sentence

    file = tmp_path_factory.mktemp("labelled") / "posts.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["text", "author", "mood"])
        made = [sentence(i) for i in range(30_000, 30_420)]
        for n, one in enumerate(one for one in made if one.sentiment is not None):
            rows.writerow([one.text, f"writer {n % 40}", one.sentiment])
    return file


def training(posts: Path, **changes: Any) -> TrainingSpec:
    source = {"source": "table", "path": str(posts), "columns": {"author": "author", "label.sentiment": "mood"}}
    given: dict[str, Any] = {
        "name": "moods",
        "datasets": [source],
        "tasks": {"sentiment": {"labels": ["positive", "neutral", "negative"]}},
        "epochs": 30,
        "resamples": 200,
        "split": {"cosine": 1.0},
    }
    return TrainingSpec.model_validate(given | changes)


def test_a_training_is_measured_kept_and_used(home: Settings, posts: Path, tmp_path: Path) -> None:
    result = train_prompt_words(training(posts))
    store = home.store()
    assert result.state == "promoted"

    figures = {row["metric"]: row for row in result.evaluations if row["task"] == "sentiment"}
    assert figures["macro_f1"]["low"] < figures["macro_f1"]["value"] < figures["macro_f1"]["high"]
    assert figures["macro_f1"]["value"] > 0.6, "chance is a third"
    tested = store.query("SELECT count(*) AS n FROM splits WHERE split = 'test'")[0]["n"]
    assert figures["macro_f1"]["n"] == tested > 20
    crossing = """SELECT author FROM splits JOIN examples USING (example_id) WHERE split <> 'unused'
        GROUP BY author HAVING count(DISTINCT split) > 1"""
    assert store.query(crossing) == []
    assert {row["success"] for row in store.query("SELECT success FROM checks WHERE severity = 'stop'")} == {True}
    assert result.report and "macro" in Path(result.report).read_text("utf-8").lower()
    card = json.loads((Path(str(result.model)) / "card.json").read_text("utf-8"))
    assert card["facts"]["name"] == "moods"

    # A run finds the labels that this network reads, and says which network it was.
    assert result.model_set
    table = tmp_path / "items.csv"
    table.write_text('text\n"What a wonderful and happy day, I love it."\n"Awful, sad and boring."\n', encoding="utf-8")
    ingest_items(DatasetSpec(source="csv", path=table))
    features = FeatureSpec(models=result.model_set)
    extract_features(features, Selection(dataset="items"))
    rows = store.query(
        "SELECT text, score, threshold, model FROM features WHERE name = 'sentiment' AND rank = 0 ORDER BY item_id"
    )
    network = model_set_fingerprint(result.model_set)["network"].removeprefix("sha256:")[:12]
    assert len(rows) == 2
    assert {row["model"] for row in rows} == {f"moods/network@{network}"}
    assert all(row["threshold"] is not None for row in rows)

    # Again: nothing is read, encoded, learned or published twice.
    weights, passes = Path(str(result.model)) / "model.safetensors", forward_passes().total()
    before = weights.stat().st_mtime_ns
    again = train_prompt_words(training(posts))
    assert (again.training_id, again.state, again.evaluations) == (result.training_id, "promoted", result.evaluations)
    assert again.reading.rows == again.reading.quarantined == forward_passes().total() - passes == 0
    assert weights.stat().st_mtime_ns == before

    # A training that was killed before its figures were kept is done again, and comes to the same network.
    bytes_before = weights.read_bytes()
    (weights.parent / "CARD.md").unlink()
    once_more = train_prompt_words(training(posts))
    assert once_more.evaluations == result.evaluations
    assert weights.read_bytes() == bytes_before


def test_a_network_for_other_labels_takes_the_place_only_where_that_is_wanted(home: Settings, posts: Path) -> None:
    first = train_prompt_words(training(posts))
    unlike = {"sentiment": {"labels": ["negative", "neutral", "positive"]}}
    with pytest.raises(CheckFailed, match="also reads sentiment, and the new one does not, or with other labels"):
        train_prompt_words(training(posts, tasks=unlike))
    second = train_prompt_words(training(posts, tasks=unlike, replace=True))
    assert second.state == "promoted" and second.model != first.model
    assert train_prompt_words(training(posts, replace=True)).model == first.model, "and back, without learning again"
    assert Path(str(first.model_set)).read_text("utf-8").count(first.training_id) == 1


def test_a_worse_network_does_not_replace_the_one_in_use(home: Settings, posts: Path) -> None:
    first = train_prompt_words(training(posts))
    before = Path(str(first.model_set)).read_bytes()
    with pytest.raises(CheckFailed, match="does not take the place of the one"):
        train_prompt_words(training(posts, epochs=1, learning_rate=1e-7))
    assert Path(str(first.model_set)).read_bytes() == before
    trained = {row["spec_id"] for row in home.store().query("SELECT DISTINCT spec_id FROM evaluations")}
    assert len(trained) == 2, "what was found is kept all the same"
    assert len(list(home.reports.glob("moods-*.html"))) == 2


def test_a_label_in_the_texts_stops_a_training_before_it_begins(home: Settings, posts: Path, tmp_path: Path) -> None:
    leaking = tmp_path / "leaking.csv"
    with posts.open(encoding="utf-8") as given, leaking.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        for n, (text, author, mood) in enumerate(csv.reader(given)):
            rows.writerow([f"{text} #{mood}" if n else text, author, mood])
    with pytest.raises(CheckFailed, match="gives its label away"):
        train_prompt_words(training(leaking))
    store = home.store()
    assert store.query("SELECT * FROM splits") == store.query("SELECT * FROM evaluations") == []
    failed = store.query("SELECT expectation FROM checks WHERE NOT success AND severity = 'stop'")
    assert [row["expectation"] for row in failed] == ["no text gives its label away"]
    assert not (home.models / "moods.yaml").exists()


def test_methods_are_asked_about_the_same_rows(home: Settings, posts: Path) -> None:
    spec = training(posts)
    found = evaluate_prompt_words(
        EvaluationSpec(
            name="moods",
            datasets=spec.datasets,
            tasks=spec.tasks,
            methods=[
                {"kind": "model_set"}, {"kind": "linear_probe"}, {"kind": "vader"}, {"kind": "majority"},
            ],
            folds="random",
            resamples=200,
        )
    )  # fmt: skip
    scores = {row["subject"]: row for row in found.evaluations if row["metric"] == "macro_f1"}
    assert set(scores) == {"model_set", "linear_probe", "vader", "majority"}
    assert len({row["n"] for row in scores.values()}) == 1
    assert scores["linear_probe"]["value"] > scores["majority"]["value"] + 0.2
    kept = home.store().query(
        "SELECT DISTINCT subject FROM evaluations WHERE spec_id = $id", {"id": found.evaluation_id}
    )
    assert {row["subject"] for row in kept} == set(scores)


def test_a_source_without_a_usable_label_is_one_clear_line(home: Settings, tmp_path: Path) -> None:
    table = tmp_path / "posts.csv"
    table.write_text("text,author,mood\nhello,ann,\nbye,bob,great\n", encoding="utf-8")
    with pytest.raises(UserError, match="no example could be used"):
        train_prompt_words(training(table))
    reasons = home.store().query("SELECT reason FROM quarantine ORDER BY reason")
    assert [row["reason"] for row in reasons] == ["no_label", "unknown_label"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\n", "datasets is missing"),
        ("name: x\ndatasets: [{source: tabel, path: a.csv}]\ntasks: {a: {}}\n", "datasets.0.source = 'tabel'"),
        ("- 1\n", "expected a mapping"),
        ("name: x\ndatasets: 5\ntasks: {a: {}}\n", "datasets = 5"),
        ("name: x\ndatasets: [{source: table, path: a.csv}]\ntasks: {a: {}}\nepoch: 3\n", "did you mean epochs?"),
        ("name: x\ndatasets: [{source: table, path: a.csv}]\ntasks: {a: {labels: [b, b]}}\n", "'b' stands there twice"),
        (
            "name: x\ndatasets: [{source: table, path: a.csv}]\ntasks: {a: {}}\nsplit: {test: 0.6, validation: 0.5}\n",
            "leave nothing to train on",
        ),
        ("name: x\nepochs: 0\ndatasets: [{source: table, path: a.csv}]\ntasks: {a: {}}\n", "epochs = 0"),
    ],
)
def test_a_wrong_training_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "training.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"training\.yaml") as error:
        load_training(file)
    assert message in str(error.value)


def test_paths_in_a_training_file_are_relative_to_it(tmp_path: Path) -> None:
    file = tmp_path / "training.yaml"
    body = {"name": "x", "datasets": [{"source": "table", "path": "posts.csv"}], "tasks": {"mood": {}}}
    file.write_text(yaml.safe_dump(body), encoding="utf-8")
    spec = load_training(file, ["network.fusion=attention"])
    assert spec.datasets[0].path == tmp_path / "posts.csv"
    assert spec.datasets[0].name == "posts"
    assert spec.network.fusion == "attention"


def test_who_wrote_an_example_is_part_of_what_a_training_met(home: Settings, posts: Path, tmp_path: Path) -> None:
    """Authors decide the split, so a table with corrected authors is another training."""
    first = train_prompt_words(training(posts))
    corrected = tmp_path / "corrected" / posts.name
    corrected.parent.mkdir()
    with posts.open(encoding="utf-8") as given, corrected.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        for n, (text, author, mood) in enumerate(csv.reader(given)):
            rows.writerow([text, f"{int(author.split()[1]) // 2}" if n else author, mood])
    second = train_prompt_words(training(corrected, name="corrected"))
    assert second.training_id != first.training_id
    crossing = """SELECT author FROM splits JOIN examples USING (example_id) WHERE spec_id = $id AND split <> 'unused'
        GROUP BY author HAVING count(DISTINCT split) > 1"""
    assert home.store().query(crossing, {"id": second.training_id}) == []


def test_what_a_check_refuses_is_not_learned_from(home: Settings, posts: Path, tmp_path: Path) -> None:
    dated = tmp_path / "dated.csv"
    with posts.open(encoding="utf-8") as given, dated.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        for n, row in enumerate(csv.reader(given)):
            rows.writerow([*row, ("1990-01-01T00:00:00Z" if n % 4 == 0 else "2026-01-01T00:00:00Z") if n else "when"])
    columns = {"author": "author", "label.sentiment": "mood", "published_at": "when"}
    source = {"source": "table", "path": str(dated), "columns": columns}
    result = train_prompt_words(training(dated, datasets=[source]))
    store = home.store()
    assert result.reading.quarantined > 50
    (counts,) = store.query(
        "SELECT (SELECT count(*) FROM examples) AS examples, (SELECT count(*) FROM splits) AS splits"
    )
    assert counts["examples"] == counts["splits"] == result.reading.rows


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": [{"kind": "majority"}, {"kind": "majority"}]}, "two methods are called 'majority'"),
        ({"tasks": {"stars": {"kind": "regression"}}}, "stars is a number"),
    ],
)
def test_a_wrong_evaluation_is_one_clear_line(posts: Path, changes: dict[str, Any], message: str) -> None:
    spec = training(posts)
    given = {"name": "x", "datasets": spec.datasets, "tasks": spec.tasks, "methods": [{"kind": "majority"}]}
    with pytest.raises(ValueError, match=message):
        EvaluationSpec.model_validate(given | changes)


def test_an_evaluation_of_a_handful_is_refused(home: Settings, tmp_path: Path) -> None:
    table = tmp_path / "few.csv"
    table.write_text(
        "text,author,mood\nlovely day,ann,positive\nawful day,bob,negative\nsome day,eve,neutral\n", encoding="utf-8"
    )
    spec = training(table)
    with pytest.raises(UserError, match="would be asked about"):
        evaluate_prompt_words(
            EvaluationSpec(name="few", datasets=spec.datasets, tasks=spec.tasks, methods=[{"kind": "majority"}])
        )
