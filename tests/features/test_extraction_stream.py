"""Reading ahead: in order, bounded in memory, ended by errors; and the ids of what comes out."""

import gc
import hashlib
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.features import extract, load_models
from components.features.extraction import READ_AHEAD, read_ahead
from components.records import Feature, Item
from tests.features.tiny_models import Tiny

Items = Callable[[int], list[Item]]


def readers_alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("reader")]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_batches_of_1_and_64_give_the_same_rows(tiny: Tiny, items: Items, dtype: str) -> None:
    """ACCEPTANCE F2, captions' words included."""
    many = items(24)
    alone, _ = extract(many, tiny.spec(batch_size=1, dtype=dtype))
    together, _ = extract(many, tiny.spec(batch_size=64, dtype=dtype))
    as_measured, _ = extract(many, tiny.spec(dtype=dtype))
    for other in (together, as_measured):
        assert [f.feature_id for f in alone] == [f.feature_id for f in other]
        for one, two in zip(alone, other, strict=True):
            assert one.text == two.text and one.model == two.model
            assert one.score == pytest.approx(two.score, abs=1e-4)
            assert one.vector is None or list(one.vector) == pytest.approx(list(two.vector or ()), abs=1e-4)


def test_only_bfloat16_is_another_spec(tiny: Tiny) -> None:
    ids = {dtype: tiny.spec(dtype=dtype).id for dtype in ("auto", "float32", "bfloat16")}
    assert ids["auto"] == ids["float32"] != ids["bfloat16"]
    assert tiny.spec(batch_size=64, device="auto").id == tiny.spec().id == ids["auto"]
    assert tiny.spec(batch_size=64, dtype="bfloat16").id == ids["bfloat16"]


def test_results_come_in_order_whoever_is_slow() -> None:
    def slow(number: int) -> int:
        time.sleep(0.02 if number % 5 == 0 else 0)
        return number * number

    assert list(read_ahead(slow, range(40), 6)) == [(n, n * n) for n in range(40)]
    assert readers_alive() == []


def test_at_most_so_many_are_read_ahead() -> None:
    made: list[int] = []
    taken = 0
    for number, _ in read_ahead(lambda n: made.append(n), iter(range(50)), 8):
        taken += 1
        assert number == taken - 1
        time.sleep(0.001)
        assert len(made) <= taken + 8
    assert made and len(made) == taken == 50


def test_reading_goes_on_while_the_caller_computes() -> None:
    began = threading.Event()

    def read(number: int) -> int:
        if number == 3:
            began.set()
        return number

    reading = read_ahead(read, range(10), 4)
    assert next(reading) == (0, 0)
    assert began.wait(5), "the fourth is read although only the first was asked for"
    reading.close()


def test_broken_pictures_between_whole_ones_stop_nothing(tiny: Tiny, items: Items, tmp_path: Path) -> None:
    good = items(12)
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    mixed = []
    for i, item in enumerate(good):
        mixed.append(item)
        kind = {0: {"image_path": str(tmp_path / "gone.png")}, 1: {"image_path": str(tmp_path / "cut.jpg")}}
        mixed.append(replace(item, item_id=f"bad {i}", sha256=None, **kind[i % 2]))  # type: ignore[arg-type]
    features, refused = extract(mixed, tiny.spec(batch_size=5))
    assert [q.item_id for q in refused] == [f"bad {i}" for i in range(12)]
    assert [q.reason for q in refused[:2]] == ["picture_missing", "damaged"]
    expected, _ = extract(good, tiny.spec(batch_size=64))
    assert [f.feature_id for f in features] == [f.feature_id for f in expected]
    assert [f.text for f in features] == [f.text for f in expected]


def test_an_error_in_the_models_ends_the_readers(tiny: Tiny, items: Items, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Exception):
        pass

    def breaks(*_: object) -> None:
        raise Broken

    models = load_models(tiny.spec())
    monkeypatch.setattr(models.picture_encoder, "runtime", breaks)
    asked: list[Item] = []

    def endless() -> Iterator[Item]:
        for item in items(1) * 500:
            asked.append(item)
            yield item

    class Lazy(list[Item]):
        def __iter__(self) -> Iterator[Item]:
            return endless()

    with pytest.raises(Broken):
        extract(Lazy(items(1)), tiny.spec(batch_size=4))
    assert len(asked) <= 4 * (1 + READ_AHEAD) + 1, "no more than what was read ahead"
    assert readers_alive() == []


def test_an_error_while_reading_is_the_callers() -> None:
    def read(number: int) -> int:
        if number == 3:
            raise ZeroDivisionError(number)
        return number

    taken = []
    with pytest.raises(ZeroDivisionError):
        for number, _ in read_ahead(read, range(100), 4):
            taken.append(number)
    assert taken == [0, 1, 2] and readers_alive() == []


def test_memory_does_not_grow_with_the_number_of_pictures(tiny: Tiny, items: Items, tmp_path: Path) -> None:
    """Of pictures of 6 MB each when decoded. tracemalloc sees arrays and rows, bench/features.py all memory."""
    grain = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    Image.fromarray(grain).resize((1600, 1200)).save(tmp_path / "large.png")
    sha256 = hashlib.sha256((tmp_path / "large.png").read_bytes()).hexdigest()
    one = replace(items(1)[0], image_path=str(tmp_path / "large.png"), sha256=sha256)
    spec = tiny.spec(captions=1, keywords=0, batch_size=4)
    extract([one], spec)

    def peak(count: int) -> tuple[int, list[Feature]]:
        given = [replace(one, item_id=str(i)) for i in range(count)]
        gc.collect()
        tracemalloc.start()
        features, _ = extract(given, spec)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest, features

    few, _ = peak(8)
    many, features = peak(28)
    assert len({f.item_id for f in features}) == 28
    assert many < few + 5_000_000, "20 pictures more: the rows only, not one decoded picture"
