"""Splits: whole clusters only, the same for every order of the input, every label where it can be, no look into the
future, and little that moves when an example is added."""

import io
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.drawings.drawing import draw
from components.errors import UserError
from components.learning.near_duplicates import near_duplicate_clusters, perceptual_hashes
from components.learning.spec import SplitRule
from components.learning.splits import apart, author_units, folds, split, split_rows
from components.records import Example, Split, content_id

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def example(n: int, *, path: Path | None = None, text: str | None = None, author: str | None = None,
            at: datetime | None = None, **labels: object) -> Example:  # fmt: skip
    digest = sha256(path.read_bytes()).hexdigest() if path else None
    text = f"{content_id('words', n)} {content_id(n)}" if text is None else text
    kept = json.dumps(labels or {"topic": ("food", "sport", "music")[n % 3]})
    return Example(
        example_id=Example.make_id("d", digest, f"{text} {n}", kept, None, None), dataset="d", source_uri=f"d#{n}",
        sha256=digest,
        image_path=str(path) if path else None, text=text, author=author, published_at=at, labels=kept,
    )  # fmt: skip


def parts_of(examples: Sequence[Example], clusters: Sequence[str], rule: SplitRule) -> dict[str, str]:
    return {row.example_id: row.split for row in split(examples, clusters, rule)}


def crossing(parts: Sequence[str], groups: Sequence[object]) -> list[object]:
    """Groups that lie in more than one part."""
    found = defaultdict(set)
    for part, group in zip(parts, groups, strict=True):
        if group is not None and part != "unused":
            found[group].add(part)
    return [group for group, where in found.items() if len(where) > 1]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Example], list[int | None]]:
    """40 drawings of ten authors, each planted again in some way, and 60 texts, some of them again with another link.
    The second list says which examples are one."""
    folder = tmp_path_factory.mktemp("planted")
    examples: list[Example] = []
    twins: list[int | None] = []

    def add(twin: int | None, **what: object) -> None:
        examples.append(example(len(examples), **what))  # type: ignore[arg-type]
        twins.append(twin)

    for n in range(40):
        image = draw(6_400_000 + n, size=160).image.convert("RGB")
        path = folder / f"{n}.png"
        image.save(path)
        add(n, path=path, author=f"author {n % 10}" if n < 20 else None, topic=("food", "sport")[n % 2])
        again = folder / f"{n}-again.png"
        small = folder / f"{n}.jpg"
        width, height = image.size
        if n % 4 == 0:
            image.resize((100, 100)).save(again)
        elif n % 4 == 1:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=40)
            again.write_bytes(buffer.getvalue())
        elif n % 4 == 2:
            image.crop((5, 5, width - 5, height - 5)).save(again)
        else:
            again.write_bytes(path.read_bytes())  # the same picture under another name, and with another text
        add(n, path=again, text=f"Seen {content_id(n)} {content_id(n, n)}", topic=("food", "sport")[n % 2])
        if n % 8 == 0:  # and a twin of the twin: small, as a JPEG
            image.resize((100, 100)).save(small, quality=60)
            add(n, path=small, topic=("food", "sport")[n % 2])
    for n in range(60):
        chance = random.Random(n)
        words = " ".join("".join(chance.choices("abcdefghiklmnoprstuvwz", k=chance.randint(3, 8))) for _ in range(9))
        add(1000 + n, text=f"{words} https://t.co/{n}", topic="music")
        if n % 3 == 0:
            add(1000 + n, text=f"RT @someone: {words.upper()} https://example.org/{n * 3}", topic="music")
    return examples, twins


@pytest.mark.parametrize("seed", range(8))
def test_planted_duplicates_never_cross(planted: tuple[list[Example], list[int | None]], seed: int) -> None:
    examples, twins = planted
    rule = SplitRule(seed=seed)
    clusters = near_duplicate_clusters(examples, perceptual_hashes(examples), [], rule)
    rows = apart(split(examples, author_units(examples, clusters), rule), clusters)
    parts = [row.split for row in rows]
    assert crossing(parts, twins) == []
    assert crossing(parts, [e.author for e in examples]) == []
    assert crossing(parts, [e.sha256 for e in examples]) == []
    assert crossing(parts, clusters) == []
    counts = Counter(parts)
    assert set(counts) - {"unused"} == {"train", "validation", "test"} and counts["unused"] < 0.15 * len(parts)
    used = len(parts) - counts["unused"]
    assert abs(counts["test"] / used - 0.2) < 0.08 and abs(counts["validation"] / used - 0.15) < 0.08
    labels = defaultdict(set)
    for example, part in zip(examples, parts, strict=True):
        labels[part].add(json.loads(example.labels)["topic"])
    assert all(labels[part] == {"food", "sport", "music"} for part in ("train", "validation", "test"))


def test_no_cluster_of_one_is_a_test_that_can_fail(planted: tuple[list[Example], list[int | None]]) -> None:
    """Without clusters the planted duplicates do cross: the tests above see something."""
    examples, twins = planted
    alone = [example.example_id for example in examples]
    assert len(crossing([row.split for row in split(examples, alone, SplitRule())], twins)) > 10


def test_twenty_orders_give_one_split(planted: tuple[list[Example], list[int | None]]) -> None:
    examples, _ = planted
    rule = SplitRule()
    hashes = perceptual_hashes(examples)
    vectors = np.random.default_rng(0).normal(size=(len(examples), 16)).astype(np.float32)
    first = parts_of(examples, near_duplicate_clusters(examples, hashes, [vectors], rule), rule)
    for seed in range(20):
        order = list(range(len(examples)))
        random.Random(seed).shuffle(order)
        shuffled = [examples[i] for i in order]
        clusters = near_duplicate_clusters(shuffled, hashes, [vectors[order]], rule)
        assert parts_of(shuffled, clusters, rule) == first


def clustered(n: int, seed: int, labels: int = 4) -> tuple[list[Example], list[str]]:
    """n examples in clusters of 1 to 9, with labels of two tasks, one of them known for a third only, and a number."""
    chance = random.Random(seed)
    examples, clusters = [], []
    while len(examples) < n:
        name, label = f"c{seed} {len(examples)}", chance.choices(range(labels), weights=[2.0**-k for k in range(labels)])[0]  # noqa: E501  # fmt: skip
        for _ in range(min(chance.choice((1, 1, 1, 2, 3, 9)), n - len(examples))):
            known = {"topic": f"t{label}", "likes": chance.random()}
            if chance.random() < 0.3:
                known["mood"] = chance.choice(("good", "bad"))
            examples.append(example(len(examples) + 10_000 * seed, **known))
            clusters.append(name)
    return examples, clusters


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [60, 400])
def test_sizes_and_labels_are_where_they_should_be(n: int, seed: int) -> None:
    examples, clusters = clustered(n, seed)
    rule = SplitRule(seed=seed)
    parts = [row.split for row in split(examples, clusters, rule)]
    counts = Counter(parts)
    for part, share in (("train", 0.65), ("validation", 0.15), ("test", 0.2)):
        assert abs(counts[part] / n - share) <= max(0.12 * share, 6 / n), (part, counts)
    where = defaultdict(lambda: defaultdict(set))
    for example, cluster, part in zip(examples, clusters, parts, strict=True):
        for task, label in json.loads(example.labels).items():
            if isinstance(label, str):
                where[task, label]["clusters"].add(cluster)
                where[task, label]["parts"].add(part)
    for label, found in where.items():
        wanted = {"train", "validation", "test"} if len(found["clusters"]) >= 3 else set()
        assert wanted <= found["parts"], label


def test_a_label_of_two_clusters_is_learned_and_tested() -> None:
    for seed in range(10):
        examples = [example(n, topic="rare" if n in (3, 9) else "common") for n in range(40)]
        parts = [row.split for row in split(examples, [str(n) for n in range(40)], SplitRule(seed=seed))]
        assert {parts[3], parts[9]} == {"train", "test"}


def test_an_added_example_moves_few_others() -> None:
    moved = []
    for seed in range(10):
        examples, clusters = clustered(300, seed)
        before = parts_of(examples, clusters, SplitRule())
        more = [*examples, example(999_999, topic="t1", likes=0.5)]
        after = parts_of(more, [*clusters, "new"], SplitRule())
        moved.append(sum(after[name] != part for name, part in before.items()))
    assert max(moved) <= 15 and sum(moved) / 10 <= 6, moved


def test_other_seeds_give_other_splits() -> None:
    examples, clusters = clustered(200, 1)
    assert len({tuple(parts_of(examples, clusters, SplitRule(seed=seed)).values()) for seed in range(5)}) == 5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=20, max_size=120), st.integers(0, 5))
def test_whatever_the_clusters_none_is_parted(rows: list[tuple[int, int]], seed: int) -> None:
    examples = [example(n, topic=f"t{label}") for n, (_, label) in enumerate(rows)]
    clusters = [f"c{cluster}" for cluster, _ in rows]
    try:
        parts = [row.split for row in split(examples, clusters, SplitRule(seed=seed))]
    except UserError:
        sizes = Counter(clusters)
        assert len(sizes) < 3 or max(sizes.values()) > 0.6 * len(rows)
        return
    assert crossing(parts, clusters) == [] and set(parts) == {"train", "validation", "test"}


def test_time_runs_from_training_over_validation_to_test() -> None:
    chance = random.Random(5)
    examples = [example(n, at=T0 + timedelta(hours=chance.randrange(2000))) for n in range(200)]
    clusters = [f"c{n}" if n % 10 else "c0" if n < 100 else "c1" for n in range(200)]  # two that reach far
    examples[7] = example(7, at=None)
    rows = split(examples, clusters, SplitRule(by_time=True))
    times = {part: [e.published_at for e, r in zip(examples, rows, strict=True) if r.split == part] for part in ("train", "validation", "test")}  # noqa: E501  # fmt: skip
    assert max(times["train"]) < min(times["validation"]) and max(times["validation"]) < min(times["test"])
    unused = [row for row in rows if row.split == "unused"]
    assert {row.cluster for row in unused} == {"c0", "c1", "c7"}
    assert {row.reason.split(" ")[0] for row in unused if row.reason} == {"its", "an"} and all(r.reason for r in unused)
    assert all(row.reason is None for row in rows if row.split != "unused")
    assert 0.15 < sum(row.split == "test" for row in rows) / 200 < 0.25


def test_examples_of_one_moment_stay_on_one_side() -> None:
    examples = [example(n, at=T0 + timedelta(days=n // 25)) for n in range(100)]
    rows = split(examples, [str(n) for n in range(100)], SplitRule(by_time=True, validation=0.25, test=0.25))
    assert crossing([row.split for row in rows], [e.published_at for e in examples]) == []


@pytest.mark.parametrize(
    ("examples", "clusters", "rule", "message"),
    [
        ([], [], SplitRule(), "no example"),
        ([example(n, author="Ann" if n < 9 else "Bo") for n in range(12)], ["a"] * 9 + ["b"] * 3, SplitRule(),
         r"author 'ann' wrote 9 of 12 examples \(75%\).*split.by_author: false"),
        ([example(n) for n in range(12)], ["a"] * 9 + ["b"] * 3, SplitRule(),
         r"9 of 12 examples \(75%\) are one cluster of near-duplicates.*raise split.cosine \(now 0.97\)"),
        ([example(n) for n in range(12)], ["a"] * 6 + ["b"] * 6, SplitRule(), "nothing is left for validation"),
        ([example(n) for n in range(12)], [str(n) for n in range(12)], SplitRule(by_time=True), "time of publication"),
        ([example(n, at=T0 + timedelta(days=n)) for n in range(12)], [str(n % 3) for n in range(12)],
         SplitRule(by_time=True), r"12 examples of them unused \(its cluster reaches over the cut.*by_time: false"),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_refused_with_a_remedy(
    examples: list[Example], clusters: list[str], rule: SplitRule, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        split(examples, clusters, rule)


# Folds


@pytest.mark.parametrize("k", [2, 5])
def test_random_folds_are_whole_clusters_of_like_size(k: int) -> None:
    examples, clusters = clustered(300, 3)
    numbers = folds(examples, clusters, k)
    assert crossing([str(n) for n in numbers], clusters) == []
    assert set(numbers) == set(range(k))
    assert all(abs(n - 300 / k) <= 0.15 * 300 / k for n in Counter(numbers).values())
    order = list(range(300))
    random.Random(1).shuffle(order)
    again = folds([examples[i] for i in order], [clusters[i] for i in order], k)
    assert again == [numbers[i] for i in order]
    assert folds(examples, clusters, k, seed=1) != numbers


def test_folds_that_cannot_be_are_refused() -> None:
    examples = [example(n) for n in range(6)]
    with pytest.raises(UserError, match="5 clusters, and the examples are 3"):
        folds(examples, list("aabbcc"))


def test_authors_who_once_wrote_the_same_stay_two_and_the_twin_is_not_learned_from() -> None:
    """Thousands of posts of two accounts would otherwise hang together by one `Good morning`."""
    authors = ["Ann", "@ann", "Bo", "bo", None, None]
    clusters = ["1", "2", "2", "3", "4", "3"]  # Ann's second is Bo's first again, Bo's second is also nobody's
    examples = [example(n, author=author) for n, author in enumerate(authors)]
    units = author_units(examples, clusters)
    assert units[0] == units[1] != units[2] == units[3]
    assert units[4:] == ["4", "3"]
    sides = dict(zip(units, ["train", "train", "test", "test", "validation", "train"], strict=True))
    rows = [
        Split(spec_id="s", example_id=e.example_id, cluster=unit, split=sides[unit])
        for e, unit in zip(examples, units, strict=True)
    ]
    parted = apart(rows, clusters)
    assert [row.split for row in parted] == ["train", "unused", "test", "test", "validation", "unused"]
    assert [row.cluster for row in parted] == clusters
    assert {row.reason for row in parted if row.split == "unused"} == {"a near-duplicate is in test"}
    assert crossing([row.split for row in parted if row.split != "unused"],
                    [row.cluster for row in parted if row.split != "unused"]) == []  # fmt: skip


def test_rows_for_the_checks_hold_what_was_compared() -> None:
    examples = [example(n, text="Hello, World of checks! https://t.co/1", author="@Ann") for n in range(3)] + [
        example(n) for n in range(3, 9)
    ]
    clusters = ["a"] * 3 + [str(n) for n in range(6)]
    rule = SplitRule()
    rows = split_rows(examples, split(examples, clusters, rule, "s"), rule, {"topic": ("food", "sport")})
    assert rows[0]["text_key"] == "hello world of checks" and rows[0]["author"] == "ann" and rows[0]["spec_id"] == "s"
    assert json.loads(rows[0]["classes"]) == {"topic": ["food", "sport"]}
    assert rows[0]["author_rule"] is True and rows[0]["time_rule"] is False
