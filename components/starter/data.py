"""Drawn pictures with their labels and words, drawn once and kept.

Written: one folder per set under the cache (default `.postwright/starter-cache`): `pictures.npy` (n, 128, 128, 3)
uint8 and `words.jsonl`. The folder's name holds a hash of the drawing code, so a changed drawing is never mixed with
an old one.
Drawing takes far longer than a training step, and needs no torch: it runs in one process per core, before training.
"""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHE = Path(".postwright/starter-cache")
SIDE = 128
"""Pixels per side of a stored picture; models see crops of it, scaled to 112."""

DRAWN_AT = 160
"""Pictures are drawn larger and shrunk, as the samples' and people's own pictures are."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Drawn:
    """n drawings: pictures (n, side, side, 3) uint8, and per drawing its plan's labels, its captions, its text."""

    pictures: NDArray[np.uint8]
    plans: list[dict[str, Any]]
    captions: list[list[str]]
    texts: list[str]

    def __len__(self) -> int:
        return len(self.plans)

    def first(self, n: int) -> "Drawn":
        return Drawn(self.pictures[:n], self.plans[:n], self.captions[:n], self.texts[:n])

    def labels(self, name: str, known: Sequence[Any]) -> NDArray[np.int64]:
        """The places of one label in `known`, (n,)."""
        places = {label: i for i, label in enumerate(known)}
        return np.array([places[plan[name]] for plan in self.plans], dtype=np.int64)


def draw_one(seed: int, side: int = SIDE) -> tuple[NDArray[np.uint8], str]:
    """One drawing as pixels and a JSON line."""
    from PIL import Image

    from components.drawings.drawing import draw

    drawing = draw(seed, DRAWN_AT)
    small = drawing.image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    words = {"plan": asdict(drawing.plan), "captions": list(drawing.captions), "text": drawing.text}
    return np.asarray(small), json.dumps(words, ensure_ascii=False)


def fingerprint() -> str:
    """A hash over the source of the drawings."""
    import components.drawings

    digest = hashlib.sha256(f"{SIDE} {DRAWN_AT}".encode())
    for path in sorted(Path(components.drawings.__file__).parent.rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def drawn(
    seeds: Sequence[int], cache: Path = CACHE, progress: Progress | None = None, code: str | None = None
) -> Drawn:
    """The drawings of `seeds`, from the cache where it has them; `code` asks for those of an older drawing code."""
    name = hashlib.sha256(json.dumps([seeds[0], seeds[-1], len(seeds)]).encode()).hexdigest()[:8]
    folder = cache / (code or fingerprint()) / f"{len(seeds)}-{name}"
    if not (folder / "words.jsonl").is_file():
        _draw_all(seeds, folder, progress)
    pictures = np.load(folder / "pictures.npy", mmap_mode="r")
    lines = [json.loads(line) for line in (folder / "words.jsonl").read_text(encoding="utf-8").splitlines()]
    return Drawn(pictures, [x["plan"] for x in lines], [x["captions"] for x in lines], [x["text"] for x in lines])


def _draw_all(seeds: Sequence[int], folder: Path, progress: Progress | None) -> None:
    """Writes the pictures as they come and the words last: a folder with words is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = np.lib.format.open_memmap(
        folder / "pictures.npy", mode="w+", dtype=np.uint8, shape=(len(seeds), SIDE, SIDE, 3)
    )
    lines = []
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for i, (pixels, line) in enumerate(pool.map(draw_one, seeds, chunksize=32)):
            pictures[i] = pixels
            lines.append(line)
            if progress is not None:
                progress(1)
    pictures.flush()
    (folder / "words.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
