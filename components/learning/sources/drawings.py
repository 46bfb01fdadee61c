"""Source drawings: pictures that postwright draws, with the topic, sentiment and scene they were planned with.

Written: one JPEG per seed into a folder, named by what decides its pixels (the drawing code, the seed and the size), so
that a second listing draws nothing and a changed drawing is never mistaken for an old one. Texts and labels follow from
the seed without drawing. Drawing takes 40 ms a picture, so many are drawn in one process per core.
"""

import io
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from components.errors import UserError
from components.items.files import file_state, printable
from components.learning.sources.entry import LabelledEntry, Maker
from components.learning.spec import LabelledSource
from components.records import content_id

SIDE = 160
"""Pixels per side, as the starter models' training pictures are drawn."""

_FEW = 16
"""So many are drawn here: starting a process takes longer."""


Progress = Callable[[int, int], None]
"""Called with how many drawings are done and how many there are to be drawn."""


def list_drawings(source: LabelledSource, folder: Path | None, progress: Progress | None = None) -> list[LabelledEntry]:
    """In the order of their seeds; draws what `folder` does not have yet."""
    if folder is None:
        raise UserError("datasets.source: drawings need a folder to be drawn into")
    first, last = source.seeds
    seeds = range(first, last if source.limit is None else min(last, first + source.limit))
    if not seeds:
        raise UserError(f"datasets.seeds: there is none from {first} to {last}; write [first, last], last excluded")
    paths = draw_all(seeds, folder.resolve(), progress)
    maker = Maker.of(source)
    entries = []
    for seed, path in zip(seeds, paths, strict=True):
        text, labels = words(seed)
        state = file_state(path, path.stat())
        # The file's time is left out of the stamp: a drawing that was drawn again is the same drawing.
        picture = str(path), (state[0], 0, state[2])
        values = {"text": text, "image": path.name, "language": "en"}
        entries.append(maker.entry(f"drawing:{printable(path.stem)}#{seed}", labels, values, picture=picture))
    return entries


def words(seed: int) -> tuple[str, dict[str, str]]:
    """The text and the labels of a drawing, without drawing it."""
    import numpy as np

    from components.drawings.plan import plan
    from components.drawings.words import accompanying_text, captions

    chosen = plan(seed)
    rng = np.random.Generator(np.random.PCG64([seed, 3]))
    captions(chosen, rng)  # `draw` writes these first, from the same stream
    labels = {"topic": chosen.topic, "sentiment": chosen.sentiment, "scene": chosen.scene}
    return accompanying_text(chosen, rng), labels


def draw_all(seeds: Sequence[int], folder: Path, progress: Progress | None = None) -> list[Path]:
    """The pictures' files, one per seed."""
    from components.starter.data import fingerprint

    code = fingerprint()
    paths = [folder / f"{content_id('drawing', code, SIDE, seed)}.jpg" for seed in seeds]
    folder.mkdir(parents=True, exist_ok=True)
    there = {entry.name for entry in os.scandir(folder)}
    missing = [(seed, path) for seed, path in zip(seeds, paths, strict=True) if path.name not in there]
    if len(missing) <= _FEW:
        for seed, path in missing:
            draw_one(seed, path)
    else:
        with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
            todo = zip(*missing, strict=True)
            for done, _ in enumerate(pool.map(draw_one, *todo, chunksize=16), start=1):
                if progress is not None:
                    progress(done, len(missing))
    return paths


def draw_one(seed: int, path: Path) -> None:
    """Writes under another name first: a file that has its name is whole, whatever stopped an earlier run."""
    from components.drawings.drawing import paint
    from components.drawings.plan import plan

    buffer = io.BytesIO()
    paint(plan(seed), SIDE).convert("RGB").save(buffer, "JPEG", quality=92)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_bytes(buffer.getvalue())
    half.replace(path)
