"""The sample campaign: pictures that show what the project can read, and the posts around them."""

import csv
import io
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from PIL import Image

from components.drawings.captions import captions
from components.drawings.drawing import paint
from components.drawings.plan import INDOORS, Plan, plan
from components.drawings.vocabulary import SAMPLE_SEEDS, SCENES
from components.drawings.words import accompanying_text

PER_SCENE = 4
DAYS = 14
START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=1)))
LARGEST_FOLDER = 3_800_000
"""Bytes all pictures together may take: they lie in the repository."""

QUALITIES = (90, 86, 82, 78, 74, 70, 64, 58, 50)
COLUMNS = ("image", "text", "author", "language", "published_at", "likes", "replies", "reposts", "views")

_AUTHORS = (
    "mira.halden",
    "tomasz_w",
    "north.and.nowhere",
    "ines.ferrer",
    "paul_oduya",
    "studio.kelp",
    "wren.ashby",
    "yuki_on_film",
)
_HOURS = {"morning": (6, 10), "day": (11, 16), "sunset": (17, 20), "night": (20, 24)}
"""When a picture of a light is posted: from hour, to hour."""

_AT_HOME = {
    "the herd": ("field", "desert", "mountains"),
    "catch of the day": ("harbour",),
    "along the trail": ("forest", "mountains"),
    "animal census": ("forest", "lake", "harbour"),
    "street food": ("city by day", "city by night"),
    "feathered": ("lake", "harbour"),
    "harvest": ("field",),
    "picnic": ("forest", "lake"),
    "grandma": ("kitchen",),
    "tasting menu": ("cafe",),
    "bakery": ("cafe", "kitchen"),
    "homemade dinner": ("kitchen",),
    "recipe": ("kitchen",),
    "dish of the week": ("kitchen", "cafe"),
    "brunch": ("cafe", "kitchen"),
    "ferry": ("harbour", "beach", "lake"),
    "commute": ("city by day", "city by night"),
    "botanical": ("forest", "field"),
    "four-legged": ("beach", "field", "cafe", "kitchen"),
    "rush hour": ("city by day", "city by night"),
    "tram line": ("city by day", "city by night"),
    "main street": ("city by day", "city by night"),
    "landscape": ("mountains", "desert", "lake", "snow"),
    "wilderness": ("forest", "mountains", "lake", "desert"),
    "old trees": ("forest",),
    "wildflower": ("mountains", "field"),
    "street market": ("city by day", "cafe"),
    "album": ("concert",),
    "gig": ("concert", "city by night"),
    "open-mic": ("concert", "city by night", "cafe"),
}
"""Phrases that suit some places only; a sample that says them elsewhere would puzzle a reader."""

_CANDIDATES = 12000


def _text(chosen: Plan) -> str:
    return accompanying_text(chosen, _words(chosen.seed))


def _words(seed: int) -> np.random.Generator:
    """The stream `draw` writes from, moved past the captions it writes first."""
    rng = np.random.Generator(np.random.PCG64([seed, 3]))
    captions(plan(seed), rng)
    return rng


def _crowding(candidate: Plan, text: str, seen: Counter[str]) -> float:
    """How much a candidate repeats what is chosen already; lower is better."""
    here = candidate.scene
    score = 4.0 * seen[f"{here} {candidate.subject}"] + 0.6 * seen[candidate.topic]
    score += 0.5 * seen[candidate.sentiment] + 0.3 * seen[candidate.light] + 0.4 * seen[candidate.colour]
    score += 0.3 * seen[candidate.weather] + 0.8 * seen[f"count {candidate.count}"] * 0.3
    score += 3.0 * seen[f"{here} {candidate.light}"] + 2.0 * seen[f"{here} {candidate.weather}"]
    score += 2.5 * seen[f"{here} {candidate.sentiment}"] + 5.0 * seen[text[:14]]
    if candidate.light == "night" and candidate.weather != "clear" and here not in (*INDOORS, "city by night"):
        score += 6.0  # too dark to show off with
    score += 4.0 * any(words in text.lower() and here not in homes for words, homes in _AT_HOME.items())
    score -= 4.5 * (candidate.weather == "clear") + 3.5 * (candidate.sentiment == "positive")
    return score + (1.0 + 5.0 * seen["short"] if len(text.split()) < 4 else 0.0)


def choose(start: int = SAMPLE_SEEDS.start) -> list[Plan]:
    """Four plans per scene from the sample seeds at `start`, as varied as a greedy choice gets."""
    by_scene: dict[str, list[tuple[Plan, str]]] = {scene: [] for scene in SCENES}
    for seed in range(start, start + _CANDIDATES):
        candidate = plan(seed)
        by_scene[candidate.scene].append((candidate, _text(candidate)))
    seen: Counter[str] = Counter()
    chosen: list[Plan] = []
    for _ in range(PER_SCENE):
        for scene in SCENES:
            options = by_scene[scene]
            best = min(options, key=lambda option: _crowding(option[0], option[1], seen))
            options.remove(best)
            picked, text = best
            chosen.append(picked)
            seen.update((picked.topic, picked.sentiment, picked.light, picked.weather, picked.colour, text[:14]))
            seen.update(
                f"{scene} {value}" for value in (picked.subject, picked.light, picked.weather, picked.sentiment)
            )
            seen.update([f"count {picked.count}"] + (["short"] if len(text.split()) < 4 else []))
    return sorted(chosen, key=lambda one: SCENES.index(one.scene))


def _encoded(images: list[Image.Image]) -> list[bytes]:
    """All pictures as JPEG, at the best quality at which they fit the limit together."""
    files: list[bytes] = []
    for quality in QUALITIES:
        files = []
        for image in images:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
            files.append(buffer.getvalue())
        if sum(map(len, files)) < LARGEST_FOLDER - 50_000:  # room for the table
            break
    return files


def _reactions(one: Plan, rng: np.random.Generator) -> dict[str, int]:
    """Heavy-tailed counts: happy posts are liked, angry ones are answered."""
    views = round(float(rng.lognormal(6.6, 1.15)))
    liking = {"positive": 0.09, "neutral": 0.045, "negative": 0.04}[one.sentiment]
    answering = {"positive": 0.006, "neutral": 0.004, "negative": 0.014}[one.sentiment]
    likes = int(rng.binomial(views, min(0.5, liking * float(rng.lognormal(0, 0.35)))))
    replies = int(rng.binomial(views, answering))
    return {"likes": likes, "replies": replies, "reposts": int(rng.binomial(likes, 0.12)), "views": views}


def _published(order: int, one: Plan, rng: np.random.Generator) -> str:
    """A time on the order-th day that suits the light in the picture."""
    first, last = _HOURS[one.light]
    minutes = int(rng.integers(first * 60, last * 60))
    when = START + timedelta(days=order % DAYS, minutes=minutes, seconds=int(rng.integers(60)))
    return when.isoformat()


def rows(plans: list[Plan], names: list[str], seed: int) -> list[dict[str, str | int]]:
    """The table beside the pictures, one row per picture, in order of publication."""
    rng = np.random.Generator(np.random.PCG64([seed, 4]))
    order = rng.permutation(len(plans))
    table: list[dict[str, str | int]] = []
    for one, name, day in zip(plans, names, order.tolist(), strict=True):
        table.append(
            {
                "image": name,
                "text": _text(one),
                "author": _AUTHORS[int(rng.integers(len(_AUTHORS)))],
                "language": "en",
                "published_at": _published(day, one, rng),
                **_reactions(one, rng),
            }
        )
    return sorted(table, key=lambda row: str(row["published_at"]))


def write_samples(folder: Path, seed: int = SAMPLE_SEEDS.start, size: int = 768) -> list[Path]:
    """Draw the sample campaign into `folder`: JPEG files and `samples.csv`; returns the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    plans = choose(seed)
    numbers: Counter[str] = Counter()
    names = []
    for one in plans:
        numbers[one.scene] += 1
        names.append(f"{one.scene.replace(' ', '-')}-{numbers[one.scene]:02d}.jpg")
    paths = [folder / name for name in names]
    for path, data in zip(paths, _encoded([paint(one, size) for one in plans]), strict=True):
        path.write_bytes(data)
    with (folder / "samples.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(plans, names, seed))
    return paths
