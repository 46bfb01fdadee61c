"""The drawn pictures: repeatable, honestly labelled, one picture at every size."""

import csv
import io
from collections import Counter
from datetime import datetime
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.drawings import samples
from components.drawings.colours import SUBJECT_COLOURS
from components.drawings.drawing import PAINTERS, draw
from components.drawings.plan import plan
from components.drawings.vocabulary import (
    LIGHTS,
    SAMPLE_SEEDS,
    SCENES,
    SENTIMENTS,
    SUBJECTS,
    TEST_SEEDS,
    TOPICS,
    TRAIN_SEEDS,
    VALIDATION_SEEDS,
    WEATHERS,
    subject_of,
)
from components.drawings.words import accompanying_text, captions


@pytest.mark.parametrize("scene", SCENES)
def test_a_seed_draws_the_same_picture_and_words_twice(scene: str) -> None:
    first, second = draw(5, 64, scene), draw(5, 64, scene)
    assert first.image.tobytes() == second.image.tobytes()
    assert (first.plan, first.captions, first.text) == (second.plan, second.captions, second.text)
    assert first.image.tobytes() != draw(6, 64, scene).image.tobytes()


@pytest.mark.parametrize("scene", SCENES)
def test_a_picture_is_the_same_at_every_size(scene: str) -> None:
    small = draw(77, 128, scene).image
    large = draw(77, 512, scene).image
    assert (small.mode, small.size, large.size) == ("RGB", (128, 128), (512, 512))
    reduced = large.resize((128, 128), Image.Resampling.BOX)
    apart = np.abs(np.asarray(small, dtype=float) - np.asarray(reduced, dtype=float)).mean()
    assert apart < 6, "another picture differs by 30 and more"


def test_plans_stay_within_the_vocabulary_and_use_all_of_it() -> None:
    plans = [plan(seed) for seed in range(4000)]
    for one in plans:
        subject = subject_of(one.scene, one.subject)
        assert one.topic == subject.topic
        assert one.colour in subject.colours and one.colour in SUBJECT_COLOURS
        assert one.count in subject.counts
    assert {one.scene for one in plans} == set(SCENES) == set(PAINTERS) == set(SUBJECTS)
    assert {one.light for one in plans} == set(LIGHTS)
    assert {one.weather for one in plans} == set(WEATHERS)
    assert {(one.scene, one.subject) for one in plans} == {(s, o.name) for s in SCENES for o in SUBJECTS[s]}
    for labels, found in (
        (TOPICS, Counter(one.topic for one in plans)),
        (SENTIMENTS, Counter(one.sentiment for one in plans)),
    ):
        assert set(found) == set(labels)
        assert min(found.values()) >= 0.08 * len(plans)


def test_captions_name_scene_subject_and_colour_in_few_words() -> None:
    words: set[str] = set()
    for seed in range(3000):
        one = plan(seed)
        subject = subject_of(one.scene, one.subject)
        name = subject.name if one.count == 1 else subject.plural
        written = captions(one, np.random.Generator(np.random.PCG64(seed)))
        assert len(written) == 3
        for caption in written:
            assert caption == caption.lower()
            assert one.scene in caption
            assert f"{one.colour} {name}" in caption
            assert 6 <= len(caption.split()) <= 16
            words.update(caption.split())
    assert len(words) < 1500


def test_texts_say_nothing_in_about_a_tenth() -> None:
    texts = [accompanying_text(plan(seed), np.random.Generator(np.random.PCG64(seed))) for seed in range(2000)]
    silent = sum(len(text.split()) < 5 and "#" not in text for text in texts) / len(texts)
    assert 0.06 < silent < 0.2
    assert max(len(text.split()) for text in texts) <= 45
    assert len(set(texts)) > 1200


def test_seed_ranges_do_not_meet() -> None:
    for one, other in combinations((TRAIN_SEEDS, VALIDATION_SEEDS, TEST_SEEDS, SAMPLE_SEEDS), 2):
        assert one.stop <= other.start or other.stop <= one.start


def test_samples_are_complete_and_varied(tmp_path: Path) -> None:
    pictures = samples.write_samples(tmp_path, size=64)
    with (tmp_path / "samples.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert tuple(table[0]) == samples.COLUMNS
    assert {row["image"] for row in table} == {path.name for path in pictures}
    assert len(table) == len(SCENES) * samples.PER_SCENE
    days = set()
    for row in table:
        when = datetime.fromisoformat(row["published_at"])
        assert when.utcoffset() is not None
        days.add(when.date())
        assert 0 <= int(row["reposts"]) <= int(row["likes"]) <= int(row["views"])
    assert len(days) == samples.DAYS
    chosen = samples.choose()
    assert all(one.seed in SAMPLE_SEEDS for one in chosen)
    assert {one.topic for one in chosen} == set(TOPICS)
    assert {one.sentiment for one in chosen} == set(SENTIMENTS)


def test_sample_pictures_carry_no_metadata(tmp_path: Path) -> None:
    first = samples.write_samples(tmp_path, size=32)[0]
    with Image.open(io.BytesIO(first.read_bytes())) as image:
        assert not image.getexif()
        assert image.format == "JPEG"
