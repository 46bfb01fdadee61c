"""Only one is at it, and nothing is left of it."""

import threading
from pathlib import Path

import pytest

from components.errors import UserError
from flows.alone import alone


def test_who_comes_second_is_told_who_is_at_it_and_the_file_goes_with_the_last(tmp_path: Path) -> None:
    file = tmp_path / "shared" / "x.running"
    with alone(file, "it"):
        with (
            pytest.raises(UserError, match=r"it is running already \(process \d+ on "),
            alone(file, "it"),
        ):
            pass
        assert file.exists()
    assert not file.exists()
    file.write_text("process 1 on a host that was switched off")
    with alone(file, "it"):
        pass
    assert not file.exists()


def test_there_are_never_two_although_the_file_comes_and_goes(tmp_path: Path) -> None:
    file, inside, most, entered = tmp_path / "x.running", [0], [0], [0]

    def begin() -> None:
        for _ in range(400):
            try:
                with alone(file, "it"):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    entered[0] += 1
                    inside[0] -= 1
            except UserError:
                continue

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] and entered[0] >= 100 and not file.exists()
