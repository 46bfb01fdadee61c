"""How much of the models' speed is left once pictures must be read: pictures per second, in one interleaved run.

    python bench/features.py [--sets starter real] [--dtypes float32 bfloat16] [--pictures 96] [--rounds 3]
    python bench/features.py --from FOLDER-OF-JPEGS
    python bench/features.py --memory 1000 20000

`bare` calls the same models with the same inputs, all of them ready in memory, at the runtime and batch that were
measured to be best; ratios are to the better dtype's. `ours` starts from files. `naive` opens each file at full size,
prepares it once per model with the libraries' own processors, and computes one picture at a time in float32. `bound` is
what bare could reach if decoding cost its CPU time and nothing else. Two lines per dtype: the two vectors of a picture,
and all features (four captions, labels, keywords).

`starter` is the shipped set; `real` is a set of the sizes of `pretrained` with random weights, made for the occasion in
a folder for temporary files, where it stays. Pictures are drawn: JPEGs of 1080 x 1350, as phones share them.
"""

import argparse
import gc
import hashlib
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from _real_size import draw_pictures, make_set

from components.features import extract, load_models
from components.features.extraction import READ_AHEAD, read_ahead
from components.features.models import Models
from components.items.pictures import open_picture
from components.records import Item
from components.specs import FeatureSpec

PLACE = Path(tempfile.gettempdir()) / "postwright-bench"
TEXT = "Golden light over the old harbour, people walking along the shore with their dogs"


@dataclass
class Bench:
    """One set on `items`; `calls` are what the models were asked in a whole run, inputs and all."""

    spec: FeatureSpec
    items: list[Item]
    models: Models
    plain: Models
    calls: list[tuple[Callable[..., Any], tuple[Any, ...]]]
    pixels: list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=("starter", "real"), default=("starter", "real"))
    parser.add_argument("--dtypes", nargs="+", choices=("float32", "bfloat16"), default=("float32", "bfloat16"))
    parser.add_argument("--pictures", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--from", dest="folder", type=Path, help="JPEGs to read in place of drawn ones")
    parser.add_argument("--memory", nargs="*", type=int, help="peak memory at so many pictures, and nothing else")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.basicConfig(format="%(message)s", level=logging.ERROR)
    logging.getLogger("components").setLevel(logging.INFO)
    if given.memory_of:
        peak_of(given.memory_of)
    elif given.memory is not None:
        memory(given.memory or [1000, 20_000])
    else:
        print(f"{os.cpu_count()} cores, load of other programs {os.getloadavg()[0]:.1f}")
        for name in given.sets:
            measure(name, given)


def measure(name: str, given: argparse.Namespace) -> None:
    found = sorted(given.folder.rglob("*.jpg"))[: given.pictures] if given.folder else None
    files = found or draw_pictures(PLACE / "pictures", given.pictures)
    models = "starter" if name == "starter" else str(make_set(PLACE / "real_size"))
    specs = [FeatureSpec(models=models, dtype=dtype, device="cpu") for dtype in given.dtypes]
    benches = [prepare(spec, [item_of(file) for file in files]) for spec in specs]
    decode = seconds_of_decoding(benches[0])
    print(f"\n{name}, {len(files)} pictures, {given.rounds} rounds, medians of pictures/s")
    print(f"decoding, checking and preparing: {1000 * decode:.1f} ms of CPU per picture")
    for bench in benches:
        if bench.spec.dtype == "bfloat16":
            print(f"bfloat16, centred cosine to float32: {centred_cosines(bench)}")
    for title, ways in CONTENDERS.items():
        speeds, used = interleaved(benches, ways, given.rounds)
        bares = {bench.spec.dtype: statistics.median(speeds[bench.spec.dtype, "bare"]) for bench in benches}
        best, naive = max(bares.values()), statistics.median(speeds["float32", "naive"])
        bound = 1 / (1 / best + decode / len(os.sched_getaffinity(0)))
        for bench in benches:
            dtype = bench.spec.dtype
            ours = statistics.median(speeds[dtype, "ours"])
            spread = ", ".join(f"{way} {min(all):.1f}-{max(all):.1f}" for (d, way), all in speeds.items() if d == dtype)
            print(
                f"{title:12} {dtype:8} bare {bares[dtype]:6.1f}  ours {ours:6.1f}  best bare {best:6.1f}  bound "
                f"{bound:6.1f}  naive {naive:5.1f} | ours/best bare {ours / best:.2f}  ours/own bare "
                f"{ours / bares[dtype]:.2f}  ours/bound {ours / bound:.2f}  ours/naive {ours / naive:.1f} | {spread} | "
                f"CPU ms: bare {used[dtype, 'bare']:.0f}, ours {used[dtype, 'ours']:.0f}"
            )


def item_of(file: Path) -> Item:
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return Item(
        item_id=file.stem, dataset="bench", spec_id="bench", source_uri=str(file), image_path=str(file), sha256=sha256,
        text=TEXT, ingested_at=datetime(2026, 11, 20, tzinfo=UTC),
    )  # fmt: skip


def prepare(spec: FeatureSpec, items: list[Item]) -> Bench:
    """Loads both sets and records what the models are asked."""
    folder = PLACE / "models"
    models = load_models(spec, folder)
    plain = load_models(spec.model_copy(update={"dtype": "float32"}), folder)
    bench = Bench(spec, items, models, plain, [], [see(item, models) for item in items])
    parts: list[tuple[Any, str]] = [
        (type(models.clip), "pictures"), (type(models.clip), "texts"), (type(models.picture_encoder), "__call__"),
        (type(models.text_encoder), "__call__"), (type(models.captioner), "__call__"),
        (type(models.labeller), "__call__"),
    ]  # fmt: skip
    kept = [(kind, method, getattr(kind, method)) for kind, method in parts]
    for kind, method, original in kept:

        def record(*asked: Any, original: Callable[..., Any] = original) -> Any:
            bench.calls.append((original, asked))
            return original(*asked)

        setattr(kind, method, record)
    our_features(bench)
    for kind, method, original in kept:
        setattr(kind, method, original)
    return bench


def see(item: Item, models: Models) -> dict[str, Any]:
    assert item.image_path is not None
    return models.prepare(open_picture(item.image_path, sha256=item.sha256, short_side=models.short_side))


def bare_vectors(bench: Bench) -> None:
    for start in range(0, len(bench.pixels), bench.models.batch):
        vectors(bench.pixels[start : start + bench.models.batch], bench.models)


def our_vectors(bench: Bench) -> None:
    size, batch = bench.models.batch, []
    with closing(read_ahead(lambda item: see(item, bench.models), bench.items, READ_AHEAD * size)) as reading:
        for _, seen in reading:
            batch.append(seen)
            if len(batch) == size:
                vectors(batch, bench.models)
                batch = []
    if batch:
        vectors(batch, bench.models)


def vectors(seen: Sequence[dict[str, Any]], models: Models) -> tuple[Any, Any]:
    import torch

    stacked = {part: torch.stack([each[part] for each in seen]) for part in ("clip", "picture_encoder")}
    return models.clip.pictures(stacked["clip"]), models.picture_encoder(stacked["picture_encoder"])


def bare_features(bench: Bench) -> None:
    for call, asked in bench.calls:
        call(*asked)


def our_features(bench: Bench) -> None:
    features, refused = extract(bench.items, bench.spec, PLACE / "models")
    assert features and not refused


def naive_vectors(bench: Bench) -> None:
    for item in bench.items:
        naive_look(item, bench)


def naive_look(item: Item, bench: Bench) -> dict[str, Any]:
    import torch
    from PIL import Image

    clip, encoder = bench.plain.clip.text_tower[0], bench.plain.picture_encoder.module
    image = Image.open(str(item.image_path)).convert("RGB")
    seen = {part: processor(image) for part, processor in processors(bench).items()}
    with torch.inference_mode():
        clip.encode_image(seen["clip"][None])
        encoder(seen["picture_encoder"][None])
    return seen


def naive_features(bench: Bench) -> None:
    """Keywords as the paper has it: one pass per word."""
    from components.features.keywords import candidates, readable, sentence_of

    for item in bench.items:
        seen = naive_look(item, bench)
        spec, plain = bench.spec, bench.plain
        [captions] = plain.captioner(
            seen["captioner"][None], [str(item.sha256)], spec.captions, spec.temperature, spec.top_p, spec.seed
        )
        for caption in captions:
            plain.clip.texts([caption])
        text = readable(item.text)
        for _ in ("", *candidates(text, captions[0], None)):
            plain.text_encoder([sentence_of(text, captions[0])])


_processors: dict[str, dict[str, Callable[[Any], Any]]] = {}


def processors(bench: Bench) -> dict[str, Callable[[Any], Any]]:
    """One per model, as the libraries make them."""
    from transformers import AutoImageProcessor

    from components.features.model_set import folder_of, read_model_set

    chosen = read_model_set(bench.spec.models)
    if chosen.name not in _processors:
        parts = {name: part for name, part in chosen.parts() if name in ("captioner", "picture_encoder")}
        loaded = {
            name: AutoImageProcessor.from_pretrained(folder_of(chosen, name, part, None))
            for name, part in parts.items()
        }
        made: dict[str, Callable[[Any], Any]] = {"clip": bench.plain.clip.prepare}
        made |= {name: partial(processed, processor) for name, processor in loaded.items()}
        _processors[chosen.name] = made
    return _processors[chosen.name]


CONTENDERS: dict[str, dict[str, Callable[[Bench], None]]] = {
    "vectors": {"bare": bare_vectors, "ours": our_vectors, "naive": naive_vectors},
    "all features": {"bare": bare_features, "ours": our_features, "naive": naive_features},
}


def processed(processor: Any, image: Any) -> Any:
    return processor(image, return_tensors="pt")["pixel_values"][0]


def interleaved(
    benches: Sequence[Bench], ways: dict[str, Callable[[Bench], None]], rounds: int
) -> tuple[dict[tuple[str, str], list[float]], dict[tuple[str, str], float]]:
    """Per dtype and way the pictures per second of each round, and the least CPU milliseconds per picture, which say
    more than seconds on a machine that is shared (with OMP_NUM_THREADS=1: waiting threads burn CPU)."""
    speeds: dict[tuple[str, str], list[float]] = {}
    used: dict[tuple[str, str], float] = {}
    for number in range(rounds):
        for bench in benches:
            for way, run in ways.items():
                chosen = bench
                if way == "naive":  # float32 only; slow enough to be measured on few
                    if number or bench is not benches[0]:
                        continue
                    chosen = replace(bench, items=bench.items[: max(4, len(bench.items) // 8)])
                gc.collect()
                began, cpu = time.perf_counter(), time.process_time()
                run(chosen)
                key, count = ("float32" if way == "naive" else bench.spec.dtype, way), len(chosen.items)
                speeds.setdefault(key, []).append(count / (time.perf_counter() - began))
                used[key] = min(used.get(key, 1e9), 1000 * (time.process_time() - cpu) / count)
    return speeds, used


def seconds_of_decoding(bench: Bench) -> float:
    """CPU seconds per picture in one thread, the best of three."""
    import torch

    threads, few = torch.get_num_threads(), bench.items[:32]
    torch.set_num_threads(1)
    taken = []
    for _ in range(3):
        began = time.process_time()
        for item in few:
            see(item, bench.models)
        taken.append((time.process_time() - began) / len(few))
    torch.set_num_threads(threads)
    return min(taken)


def centred_cosines(bench: Bench) -> str:
    """Means over pictures of the cosine between the two dtypes' vectors, less the mean vector."""
    import torch

    few = bench.pixels[:32]
    rows = []
    for name, rough, exact in zip(
        ("clip_image", "picture"), vectors(few, bench.models), vectors(few, bench.plain), strict=True
    ):
        centre = exact.mean(0)
        rows.append(f"{name} {float(torch.cosine_similarity(rough - centre, exact - centre).mean()):.4f}")
    return ", ".join(rows)


def memory(counts: Sequence[int]) -> None:
    """Each count in a process of its own: the highest a process has been is all that the system tells."""
    draw_pictures(PLACE / "pictures", 200)
    for count in counts:
        command = [sys.executable, __file__, "--memory-of", str(count)]
        subprocess.run(command, check=True, cwd=Path(__file__).parents[1])


def peak_of(count: int) -> None:
    """The starter set, one caption per picture, rows handed on every 256 pictures as a run does."""
    spec = FeatureSpec(models="starter", captions=1, keywords=0, device="cpu")
    known = [item_of(file) for file in draw_pictures(PLACE / "pictures", 200)]
    logging.getLogger("components").setLevel(logging.ERROR)
    extract(known[:1], spec)
    loaded, rows, began = peak_mb(), 0, time.perf_counter()
    for start in range(0, count, 256):
        part = range(start, min(start + 256, count))
        features, refused = extract([replace(known[i % len(known)], item_id=str(i)) for i in part], spec)
        assert not refused
        rows += len(features)
    speed = count / (time.perf_counter() - began)
    print(
        f"{count:6} pictures: peak {peak_mb():.0f} MB, {loaded:.0f} MB of it loaded models; {speed:.0f}/s", flush=True
    )


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
