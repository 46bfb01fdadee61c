"""kill -9 in the midst of a purchase: the small version of bench/crash.py, which asserts what it promises itself."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_killed_purchase_goes_on_and_buys_again_at_most_what_was_in_flight() -> None:
    command = [sys.executable, "bench/crash.py", "--calls", "150", "--in-flight", "16", "--seeds", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    cells = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    in_flight, seeds, again, _, twice, _, most, rows, duplicates = cells
    assert (in_flight, seeds, rows, duplicates) == ("16", "3", "150", "0")
    assert int(again) <= int(twice) <= 16 and int(most) <= 2
