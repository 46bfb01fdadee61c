"""The command line as a user meets it: a process, its output at 80 columns, its exit code."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.errors import CheckFailed, ProviderStopped, UserError
from flows.cli import said

ROOT = Path(__file__).parents[1]
COMMANDS = ("demo", "run", "plan", "backfill", "report", "doctor", "models")


def postwright(*words: str, home: Path | None = None, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "POSTWRIGHT_", "OPENAI_"))
    }
    more = ["--home", str(home)] if home else []
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *words, *more], cwd=cwd, capture_output=True, text=True, timeout=280,
        env=clean | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"} | env,
    )  # fmt: skip


def write(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = postwright(command, "--help")
    assert done.returncode == 0 and command in done.stdout and "--home" in done.stdout


def test_help_shows_examples_and_needs_nothing_heavy() -> None:
    script = "import sys, flows.cli\ntry: flows.cli.main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "postwright run mine.yaml" in done.stdout
    loaded = done.stdout.splitlines()[-1]
    heavy = {"prefect", "torch", "transformers", "great_expectations", "openai", "pandas", "duckdb", "aiohttp"}
    assert not any(f"'{name}'" in loaded for name in heavy)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [broken", "line 1"),
        ("name: x\ndataset: {source: folder, path: gone}\n", "gone"),
        ("name: x\ndataset: {source: folder, path: .}\nfeatures: {models: nosuch}\n", "nosuch"),
        ("name: x\ndataset: {source: folder, path: empty}\n", "empty"),
        ("name: x\ndataset: {source: folder, path: .}\ngeneration: {model: openai/gpt-4o}\n", "OPENAI_API_KEY"),
        ("name: x\ndataset: {source: folder, path: .}\nprompt: {platform: myspace}\n", "myspace"),
    ],
)
def test_a_wrong_campaign_is_one_line_and_exit_2(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    done = postwright("run", write(tmp_path, text), home=tmp_path / "home")
    assert done.returncode == 2
    assert said in done.stderr and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_a_missing_file_and_a_wrong_date_are_exit_2(tmp_path: Path) -> None:
    assert postwright("run", "gone.yaml", home=tmp_path).returncode == 2
    done = postwright("run", "campaigns/demo.yaml", "--from", "yesterday", home=tmp_path)
    assert done.returncode == 2 and "is no date" in done.stderr
    done = postwright("plan", "campaigns/demo.yaml", "--from", "2026-03-09", "--to", "2026-03-02", home=tmp_path)
    assert done.returncode == 2 and "empty" in done.stderr


def test_a_home_that_cannot_be_written_is_one_line_and_exit_2(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    done = postwright("demo", home=file)
    assert done.returncode == 2 and str(file) in done.stderr and done.stderr.count("\n") == 1
    if os.geteuid() != 0:  # root writes anywhere
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
        done = postwright("demo", home=locked)
        assert done.returncode == 2 and str(locked) in done.stderr


def test_a_report_without_a_run_says_what_to_do(tmp_path: Path) -> None:
    done = postwright("report", home=tmp_path / "home")
    assert done.returncode == 2 and "postwright demo" in done.stderr


def test_doctor_and_models_tell_what_is_here(tmp_path: Path) -> None:
    done = postwright("doctor", home=tmp_path)
    assert done.returncode == 0 and "python" in done.stdout and "starter" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    done = postwright("models", "--json", home=tmp_path)
    sets = {found["name"]: found for found in json.loads(done.stdout)["model_sets"]}
    assert all(part["there"] for part in sets["starter"]["parts"])
    assert not any(
        part["there"] for part in sets["pretrained"]["parts"] if "hub" in part["model"] or "/" in part["model"]
    )


def test_a_plan_buys_nothing_and_says_what_a_run_would_do(tmp_path: Path) -> None:
    done = postwright("plan", "campaigns/demo.yaml", "--json", "--limit", "10", home=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert {step["step"]: step["todo"] for step in plan["steps"]} == {
        "ingest_items": 56, "extract_features": 10, "build_prompts": 10, "generate_posts": 10, "judge_posts": 10,
        "measure_posts": 10,
    }  # fmt: skip
    assert [stage["calls"] for stage in plan["stages"]] == [10, 10]
    assert [stage["usd_high"] for stage in plan["stages"]] == [0, 0]
    assert not list((tmp_path / "calls").glob("*.jsonl"))


@pytest.mark.slow
def test_a_demo_ends_in_a_report_and_a_second_one_does_nothing(tmp_path: Path) -> None:
    done = postwright("demo", "--limit", "4", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "report:" in done.stdout and "4 posts, 4 judged" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines() if "/" not in line)
    assert done.stderr == ""
    begun = time.monotonic()
    again = json.loads(postwright("demo", "--limit", "4", "--json", home=tmp_path).stdout)
    assert all((step["rows"], step["bought"], step["passes"]) == (0, 0, 0) for step in again["steps"])
    assert time.monotonic() - begun < 120
    assert Path(again["report"]).exists()


def test_what_can_be_resumed_says_so_once() -> None:
    told = "all 6 calls failed; answers are kept, run the same command again to go on"
    assert said(ProviderStopped(told)) == told
    assert said(CheckFailed("posts: 3 are empty")) == "posts: 3 are empty; run the same command again to resume"
    assert said(UserError("no such file")) == "no such file"
