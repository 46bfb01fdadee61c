"""`python -m components.starter`: draws, trains every starter model, measures them, writes their card."""

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.drawings.vocabulary import TEST_SEEDS, TRAIN_SEEDS, VALIDATION_SEEDS
from components.starter.card import PARTS, megabytes, write_card
from components.starter.data import CACHE, Drawn, drawn, fingerprint
from components.starter.evaluate import SHIPPED, evaluate
from components.starter.training import Clock, Track

ONLY = ("network", "captioner", "clip")
EPOCHS = {"picture encoder": 10, "text encoder": 6, "network": 25, "captioner": 8, "clip": 7}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m components.starter", description=__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="where the models go (default: where they ship)")
    parser.add_argument("--pictures", type=int, default=16_000, help="drawings to train on")
    parser.add_argument("--validation", type=int, default=1_500, help="drawings to calibrate on")
    parser.add_argument("--test", type=int, default=2_000, help="drawings to measure on")
    parser.add_argument("--sentences", type=int, default=_sentences(), help="everyday sentences to train on")
    parser.add_argument("--steps-scale", type=float, default=1.0, help="multiplies the length of every training")
    parser.add_argument("--only", choices=ONLY, nargs="*", default=ONLY, help="network: both encoders and the network")
    parser.add_argument("--keep-encoder", action="store_true", help="do not train the picture encoder again")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where drawings are kept")
    parser.add_argument(
        "--drawings", default=fingerprint(), help="the drawing code whose cached pictures are used (default: today's)"
    )
    return parser.parse_args()


@contextmanager
def bar(title: str) -> Iterator[Track]:
    """A progress bar on a terminal; elsewhere a line now and then."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console()
    clock, said = Clock(), [-30.0]
    with Progress(
        TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
        console=console, disable=not console.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task(title, total=None, note="")

        def track(step: int, steps: int, note: str) -> None:
            progress.update(task, completed=step, total=steps, note=note)
            if not console.is_terminal and clock.seconds - said[0] > 20:
                said[0] = clock.seconds
                print(f"{title}: {step}/{steps} after {clock.seconds:.0f} s {note}", flush=True)

        yield track


def draw_sets(options: argparse.Namespace) -> tuple[Drawn, Drawn]:
    sets = []
    for name, seeds in (
        ("training", TRAIN_SEEDS[: options.pictures]),
        ("validation", VALIDATION_SEEDS[: options.validation]),
    ):
        with bar(f"drawing {name}") as track:
            done = [0]

            def more(n: int, total: int = len(seeds), track: Track = track, done: list[int] = done) -> None:
                done[0] += n
                track(done[0], total, "")

            sets.append(drawn(seeds, options.cache, more, options.drawings))
    return sets[0], sets[1]


def train_all(
    options: argparse.Namespace, train: Drawn, validation: Drawn, seconds: dict[str, float]
) -> dict[str, Any]:
    """Trains what was asked for; returns validation figures."""
    from components.starter.captioner import train_captioner
    from components.starter.clip import train_clip
    from components.starter.fusion import train_network
    from components.starter.pictures import train_picture_encoder
    from components.starter.text import train_text_encoder

    out, seed = options.out, options.seed
    figures: dict[str, Any] = {}

    def timed(name: str, work: Callable[[float, Track], Any]) -> None:
        clock = Clock()
        with bar(name) as track:
            figures[name] = work(EPOCHS[name] * options.steps_scale, track)
        seconds[name] = round(clock.seconds, 1)
        print(f"{name}: {clock.seconds:.0f} s {figures[name] or ''}", flush=True)

    if "network" in options.only:
        if not options.keep_encoder:
            timed(
                "picture encoder",
                lambda e, t: train_picture_encoder(train, validation, out / "picture_encoder", e, seed, t),
            )
        words = {"sentences": options.sentences}
        timed("text encoder", lambda e, t: train_text_encoder(train, out / "text_encoder", e, seed, t, **words))
        timed("network", lambda e, t: train_network(train, validation, out, out / "network", e, seed, t, **words))
    if "captioner" in options.only:
        timed("captioner", lambda e, t: train_captioner(train, validation, out, out / "captioner", e, seed, t))
    if "clip" in options.only:
        timed("clip", lambda e, t: train_clip(train, out, out / "clip", e, seed, t))
    return figures


def main() -> None:
    options = arguments()
    _quiet()
    options.out.mkdir(parents=True, exist_ok=True)
    clock = Clock()
    train, validation = draw_sets(options)
    times = options.out / "card.json"  # parts trained in an earlier call keep their times
    seconds: dict[str, float] = json.loads(times.read_text())["facts"]["seconds"] if times.is_file() else {}
    if clock.seconds > 30:
        seconds["drawing"] = round(clock.seconds, 1)
    train_all(options, train, validation, seconds)
    if any(not (options.out / part).is_dir() for part in PARTS):
        print("no card yet: not every part has been trained")
        return
    print("measuring", flush=True)
    figures = evaluate(options.out, options.test)
    facts = {
        "train": len(train), "train_seeds": _range(TRAIN_SEEDS[: len(train)]),
        "validation": len(validation), "validation_seeds": _range(VALIDATION_SEEDS[: len(validation)]),
        "test_seeds": _range(TEST_SEEDS[: options.test]), "seed": options.seed,
        "drawings": options.drawings, "measured_on": fingerprint(),
        "sentences": options.sentences, "seconds": seconds, "vocabulary": _vocabularies(options.out),
        "machine": f"{os.cpu_count()} cores ({platform.machine()}), no GPU",
    }  # fmt: skip
    write_card(options.out, facts, figures)
    for name, figure in figures.items():
        print(f"  {name:30} {figure['value']:.3f}")
    print(f"{sum(megabytes(options.out).values()):.2f} MB in {options.out}, {clock.seconds / 60:.1f} minutes in all")


def _range(seeds: range) -> str:
    return f"{seeds[0]} to {seeds[-1]}"


def _quiet() -> None:
    """Progress is shown here; transformers' own bars and hints would break it up."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _sentences() -> int:
    from components.starter.text import SENTENCES

    return SENTENCES


def _vocabularies(folder: Path) -> dict[str, int]:
    def size(part: str, *keys: str) -> int:
        config = json.loads((folder / part / "config.json").read_text(encoding="utf-8"))
        for key in keys:
            config = config[key]
        return int(config)

    return {"text": size("text_encoder", "vocab_size"), "caption": size("captioner", "decoder", "vocab_size")}


if __name__ == "__main__":
    main()
