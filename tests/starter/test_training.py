"""The one command that trains everything, on next to nothing: what it writes loads, and has a card."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.starter.card import PARTS, read_card

ROOT = Path(__file__).parents[2]


@pytest.mark.drill
def test_one_command_trains_measures_and_describes_all_models(tmp_path: Path) -> None:
    out = tmp_path / "models"
    sizes = ["--pictures", "100", "--validation", "40", "--test", "40", "--sentences", "300", "--steps-scale", "0.001"]
    command = [
        sys.executable,
        "-m",
        "components.starter",
        "--out",
        str(out),
        "--cache",
        str(tmp_path / "cache"),
        *sizes,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    card = read_card(out)
    assert set(card["megabytes"]) == set(PARTS)
    assert card["figures"]["scene_accuracy_both"]["n"] == 40
    assert "100 drawings to train on" in (out / "CARD.md").read_text(encoding="utf-8")
