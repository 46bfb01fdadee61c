"""Near-duplicates end in one cluster whatever was done to them, and what is only similar does not."""

import io
import random
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from components.drawings.drawing import draw
from components.errors import UserError
from components.learning.near_duplicates import (
    author_key,
    describe_clusters,
    near_duplicate_clusters,
    perceptual_hashes,
    text_key,
)
from components.learning.pairs import Merger, within_cosine, within_hamming, within_jaccard
from components.learning.spec import SplitRule
from components.records import Example

RULE = SplitRule()


def example(n: int, path: Path | None = None, text: str = "", author: str | None = None) -> Example:
    digest = sha256(path.read_bytes()).hexdigest() if path else None
    labels = '{"topic": "food"}'
    return Example(
        example_id=Example.make_id("d", digest, f"{n} {text}", labels, None, None), dataset="d", source_uri=f"d#{n}",
        image_path=str(path) if path else None, sha256=digest, text=text, author=author, labels=labels,
    )  # fmt: skip


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("drawn")
    paths = []
    for n in range(24):
        paths.append(folder / f"{n}.png")
        draw(5_300_000 + n, size=192).image.convert("RGB").save(paths[-1])
    return paths


def cut(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    return image.crop((round(left * width), round(top * height), round(width - right * width), round(height - bottom * height)))  # noqa: E501  # fmt: skip


def recompressed(image: Image.Image, quality: int = 35) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


TRICKS = {
    "resized": lambda image: image.resize((image.width // 2, image.height // 2)),
    "stretched": lambda image: image.resize((int(image.width * 1.06), image.height)),
    "recompressed": recompressed,
    "brighter": lambda image: image.point(lambda value: min(255, int(value * 1.1))),
    "cut by 3 % a side": lambda image: cut(image, 0.03, 0.03, 0.03, 0.03),
    "cut by 5 % a side": lambda image: cut(image, 0.05, 0.05, 0.05, 0.05),
    "cut below": lambda image: cut(image, 0, 0, 0, 0.05),
    "cut left": lambda image: cut(image, 0.045, 0, 0, 0),
    "mirrored": ImageOps.mirror,
    "resized and recompressed": lambda image: recompressed(image.resize((150, 150)), 50),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_picture_stays_with_what_was_made_of_it(trick: str, drawings: list[Path], tmp_path: Path) -> None:
    examples = [example(n, path) for n, path in enumerate(drawings)]
    for n, path in enumerate(drawings):
        changed = tmp_path / f"{n}.png"
        TRICKS[trick](Image.open(path)).save(changed)
        examples.append(example(100 + n, changed))
    clusters = near_duplicate_clusters(examples, perceptual_hashes(examples), [], RULE)
    together = sum(a == b for a, b in zip(clusters[:24], clusters[24:], strict=True))
    assert together == 24
    assert len(set(clusters)) == 24, "and no two drawings are one"


def test_turned_by_exif_and_cmyk_are_the_same_picture(drawings: list[Path], tmp_path: Path) -> None:
    image = Image.open(drawings[0]).convert("RGB")
    turned, cmyk = tmp_path / "turned.jpg", tmp_path / "cmyk.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    image.rotate(90, expand=True).save(turned, exif=exif, quality=95)
    image.convert("CMYK").save(cmyk, quality=95)
    examples = [example(n, path) for n, path in enumerate((drawings[0], turned, cmyk, drawings[1]))]
    clusters = near_duplicate_clusters(examples, perceptual_hashes(examples), [], RULE)
    assert clusters[0] == clusters[1] == clusters[2] != clusters[3]


def test_plain_pictures_are_not_one_another(drawings: list[Path], tmp_path: Path) -> None:
    """Neither by their hash nor by an encoder that sees the same nothing in all of them."""
    paths = list(drawings[:4])
    for n, colour in enumerate(("white", "black", "#c0ffee", "#fefefe")):
        paths.append(tmp_path / f"{n}.png")
        Image.new("RGB", (64, 64), colour).save(paths[-1])
    rng = np.random.default_rng(0)
    noisy = rng.normal(128, 1, (64, 64, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "noisy.png")
    paths.append(tmp_path / "noisy.png")
    examples = [example(n, path) for n, path in enumerate(paths)]
    hashes = perceptual_hashes(examples)
    assert [hashes[e.sha256] == () for e in examples if e.sha256] == [False] * 4 + [True] * 5
    vectors = rng.normal(size=(9, 16)).astype(np.float32)
    vectors[4:] = 1.0
    assert len(set(near_duplicate_clusters(examples, hashes, [vectors], RULE))) == 9
    again = [*examples, example(77, paths[4], text="the same bytes under another text")]
    clusters = near_duplicate_clusters(again, hashes, [], RULE)
    assert clusters[9] == clusters[4]


def test_a_picture_that_is_gone_is_named(drawings: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "gone.png"
    Image.open(drawings[0]).save(path)
    gone = example(0, path)
    path.unlink()
    with pytest.raises(UserError, match=r"gone\.png.*read the dataset again"):
        perceptual_hashes([gone])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("RT @ann: Best coffee in town! https://t.co/abc", "best coffee in town", True),
        ("Best coffee in town &amp; more @bob", "BEST COFFEE in town, more…", True),
        ("Best coffee in town http://a.example/1?x=2", "Best coffee in town www.b.example/y", True),
        ("The match was lost in the very last minute, and nobody in the whole city wanted to go home afterwards",
         "The match was lost in the very last minute and nobody in the whole city wanted to go home afterwards today",
         True),
        ("Best coffee in town", "Worst coffee in town", False),
        ("https://t.co/abc", "https://t.co/def", False),
        ("…", "...", True),
        ("😀", "😡", False),
        ("おはようございます、今日はいい天気", "おはようございます 今日はいい天気", True),
    ],
)  # fmt: skip
def test_texts_are_the_same_but_for_links_mentions_and_case(one: str, other: str, same: bool) -> None:
    clusters = near_duplicate_clusters([example(1, text=one), example(2, text=other)], {}, [], RULE)
    assert (clusters[0] == clusters[1]) == same


def test_a_greeting_beside_two_pictures_does_not_make_them_one(drawings: list[Path]) -> None:
    short = [example(n, drawings[n], text="Good morning!") for n in range(2)]
    long = [example(n, drawings[n], text="Nobody told us the ferry was late again") for n in range(2)]
    hashes = perceptual_hashes(short)
    assert len(set(near_duplicate_clusters(short, hashes, [], RULE))) == 2
    assert len(set(near_duplicate_clusters(long, hashes, [], RULE))) == 1
    assert text_key("Good morning!", with_picture=False) == "good morning"


def test_an_author_is_one_however_the_name_is_written() -> None:
    assert author_key(" @Ann ") == author_key("ann") == "ann" and author_key(" ") is None


def test_vectors_of_high_cosine_join_and_zeros_do_not() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(40, 32)).astype(np.float32)
    vectors[30:] = vectors[:10] * 3 + rng.normal(0, 0.01, (10, 32))
    vectors[[20, 21, 22]] = 0
    examples = [example(n) for n in range(40)]
    clusters = near_duplicate_clusters(examples, {}, [np.zeros((40, 5), np.float32), vectors], RULE)
    assert clusters[30:] == clusters[:10] and len(set(clusters)) == 30


def test_names_and_clusters_do_not_depend_on_the_order(drawings: list[Path]) -> None:
    rng = np.random.default_rng(2)
    examples = [example(n, drawings[n % 12], text=f"words {n // 3}", author=f"a{n // 4}") for n in range(48)]
    vectors = rng.normal(size=(48, 8)).astype(np.float32)
    hashes = perceptual_hashes(examples)
    found = dict(zip(examples, near_duplicate_clusters(examples, hashes, [vectors], RULE), strict=True))
    for seed in range(20):
        order = list(range(48))
        random.Random(seed).shuffle(order)
        shuffled = [examples[i] for i in order]
        again = near_duplicate_clusters(shuffled, hashes, [vectors[order]], RULE)
        assert dict(zip(shuffled, again, strict=True)) == found


def test_a_chain_is_described() -> None:
    facts = describe_clusters(["a"] * 30 + [str(n) for n in range(70)])
    assert (facts.examples, facts.clusters, facts.largest, facts.largest_share) == (100, 71, 30, 0.3)
    assert facts.warning is not None and "30 of 100 examples (30%)" in facts.warning
    assert describe_clusters([str(n) for n in range(9)]).warning is None
    assert describe_clusters([]).largest == 0


# The pairs themselves, against counting all of them


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), max_size=80), st.randoms())
def test_merging_is_reachability(n: int, pairs: list[tuple[int, int]], chance: random.Random) -> None:
    pairs = [(a % n, b % n) for a, b in pairs]
    reached = {i: {i} for i in range(n)}
    for _ in range(n):
        for a, b in pairs:
            for one in (reached[a] | reached[b]) if reached[a] is not reached[b] else ():
                joined = reached[a] | reached[b]
                reached[one] = joined
    chance.shuffle(pairs)
    merger = Merger(n)
    size = chance.randint(1, 9)
    for start in range(0, len(pairs), size):
        some = np.array(pairs[start : start + size])
        merger.join(some[:, 0], some[:, 1])
    groups = merger.groups
    assert all((groups[a] == groups[b]) == (b in reached[a]) for a in range(n) for b in range(n))


@pytest.mark.parametrize("distance", [0, 1, 6, 9, 12, 32])
def test_hamming_pairs_are_all_pairs(distance: int) -> None:
    rng = np.random.default_rng(distance)
    base = rng.integers(0, 2**64, 60, dtype=np.uint64, endpoint=False)
    flips = np.array([sum(1 << int(b) for b in rng.choice(64, k % 15, replace=False)) for k in range(240)], np.uint64)
    left, right = base, np.concatenate([base, np.tile(base, 4) ^ flips])
    expected = {
        (i, j)
        for i in range(len(left))
        for j in range(len(right))
        if bin(int(left[i]) ^ int(right[j])).count("1") <= distance
    }
    found = {(int(i), int(j)) for a, b in within_hamming(left, right, distance) for i, j in zip(a, b, strict=True)}
    assert found == expected and len(expected) >= 60


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("ab c", max_size=30), max_size=20), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_jaccard_pairs_are_all_pairs(texts: list[str], least: float) -> None:
    texts = sorted(set(texts))
    sets = [{text[i : i + 5] for i in range(len(text) - 4)} for text in texts]
    expected = {
        (i, j)
        for j in range(len(sets))
        for i in range(j)
        if sets[i] and sets[j] and len(sets[i] & sets[j]) >= least * len(sets[i] | sets[j]) - 1e-9
    }
    found = {(int(i), int(j)) for a, b in within_jaccard(texts, least) for i, j in zip(a, b, strict=True)}
    assert found == expected


def test_cosine_pairs_are_all_pairs_over_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.learning.pairs.TILE", 7)
    vectors = np.random.default_rng(3).normal(size=(50, 3)).astype(np.float32)
    vectors[4] = 0
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    expected = {(i, j) for j in range(50) for i in range(j) if unit[i] @ unit[j] >= 0.9 - 1e-6}
    found = [(int(i), int(j)) for a, b in within_cosine(vectors, 0.9) for i, j in zip(a, b, strict=True)]
    assert set(found) == expected and len(found) == len(expected) > 20
