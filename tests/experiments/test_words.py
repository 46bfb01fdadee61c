"""What people and their spreadsheets are shown: 80 columns, CSV files, one line for what is wrong."""

import csv
from pathlib import Path

import pytest
from rich.console import Console

from components.experiments.export import export
from flows.experiment_results import ExperimentResult, result_of
from flows.settings import Settings
from flows.show_experiment import show_experiment
from tests.experiments.planted import an_arm, an_item, findings
from tests.experiments.test_tables import noisy
from tests.test_cli import postwright

CLAIM = {"better": "full", "than": ["=minus-topic"], "aspect": "overall", "by": "the paper", "reported": "8.05"}


@pytest.fixture
def result() -> ExperimentResult:
    broken = [*noisy(2, 30, -1)[:28], *(an_item(n, None, "writing: refusal") for n in (28, 29))]
    arms = (an_arm("full", noisy(1, 30)), an_arm("=minus-topic", broken, overrides={"without": ["topic"]}))
    made = result_of(findings(*arms, params={"claims": [CLAIM], "notes": ["Each post was judged alone."]}))
    made.agreement = {
        "rows": [
            {"whom": "itself, 2 readings", "aspect": "Overall", "figure": name, "value": 0.8, "low": 0.7, "high": 0.9,
             "n": 30}
            for name in ("alpha", "within_1", "sd")
        ],
        "said": ["Nobody has rated these posts."],
    }  # fmt: skip
    return made


def test_the_tables_fit_80_columns_and_say_it_all(result: ExperimentResult, tmp_path: Path) -> None:
    console = Console(width=80, record=True, file=(tmp_path / "out").open("w"))
    show_experiment(result, Settings(tmp_path), console)
    said = console.export_text()
    assert max(map(len, said.partition("warehouse:")[0].splitlines())) <= 80
    for line in ("minus full", "lower", "baseline", "claimed by the paper", "held", "=minus-topic: 2 x writing: ref",
                 "Each post was judged alone.", "30 items, 2 arms", "0.70 to 0.90", "70% to 90%", "sd 0.80",
                 "Nobody has rated these posts."):  # fmt: skip
        assert line in said, line
    assert "8.05" not in said, "nobody else's figures"
    result.calls = result.cost_usd = None
    show_experiment(result, Settings(tmp_path), console)
    assert "calls unknown in all, 0 calls now; cost so far unknown" in " ".join(console.export_text().split())
    result.partial = "3 of 60 posts are not there yet"
    show_experiment(result, Settings(tmp_path), console)
    assert "partial: 3 of 60 posts are not there yet" in console.export_text()


def test_csv_files_hold_the_tables_and_no_formula(result: ExperimentResult, tmp_path: Path) -> None:
    from dataclasses import asdict

    files = export(asdict(result), tmp_path)
    assert [file.name for file in files] == ["arms.csv", "differences.csv", "claims.csv", "agreement.csv", "scores.csv"]
    read = {file.name: list(csv.DictReader(file.open(encoding="utf-8"))) for file in files}
    assert [row["arm"] for row in read["arms.csv"]] == ["full", "'=minus-topic"]
    assert read["arms.csv"][1]["failures"] == "writing: refusal: 2" and read["arms.csv"][1]["scored"] == "28"
    assert [row["aspect"] for row in read["differences.csv"]] == ["overall", "clear", "warm"]
    (claim,) = read["claims.csv"]
    assert claim["reported_by_them"] == "8.05" and float(claim["our_difference"]) > 0.5
    told = [(row["of"], row["whom"], row["figure"], row["value"], row["note"]) for row in read["agreement.csv"]]
    assert told[0] == ("scores", "itself, 2 readings", "alpha", "0.8", "")
    assert told[3] == ("scores", "", "", "", "Nobody has rated these posts.")
    assert len(read["scores.csv"]) == 60 and read["scores.csv"][59]["overall"] == ""
    before = [file.read_bytes() for file in files]
    assert [file.read_bytes() for file in export(asdict(result), tmp_path)] == before


def test_a_wrong_field_is_one_line_and_exit_2_before_anything_is_made(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\ncampaign: {dataset: {source: folder, path: .}}\nbaseline: a\n"
        "arms: {a: {}, b: {generation: {temprature: 0.2}}}\n"
    )
    done = postwright("experiment", str(file), home=tmp_path / "home")
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
    assert "b: unknown field generation.temprature; did you mean temperature?" in done.stderr
    assert not (tmp_path / "home").exists()
