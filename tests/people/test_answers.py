"""Answers in their files: whole or not at all, each once; and edits as diffs that lose nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.people.answers import Answer, AnswerFile, read_answers
from components.people.diffs import LONGEST, edited, original, word_diff
from components.people.teaching import Signals, teaching
from components.records import content_id

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def an_answer(n: int, **more: object) -> Answer:
    row = {
        "answer_id": f"answer-{n:04}", "post_id": content_id(n), "rater": "ann", "rubric": "mpwl",
        "scores": {"charm": 5.0}, "slice": "queue", "saw_judge": False, "at": NOW + timedelta(seconds=n),
    }  # fmt: skip
    return Answer.model_validate(row | more)


def test_a_file_cut_at_every_byte_keeps_all_but_its_last_line(tmp_path: Path) -> None:
    file = AnswerFile(tmp_path / "people")
    answers = [an_answer(n, reason="Ünd 🌊 \n \u2028 end") for n in range(3)]
    for answer in answers:
        file.keep(answer)
    file.close()
    data = file.path.read_bytes()
    last = len(data[:-1].rpartition(b"\n")[0]) + 1
    for cut in range(last, len(data) + 1):
        file.path.write_bytes(data[:cut])
        found, wrong = read_answers(tmp_path / "people")
        assert found == answers[: 3 if cut == len(data) else 2] and wrong == []


def test_the_same_answer_in_two_files_counts_once_and_a_broken_line_is_told(tmp_path: Path) -> None:
    for _ in range(2):
        file = AnswerFile(tmp_path)
        file.keep(an_answer(1))
        file.close()
    (tmp_path / "9.jsonl").write_bytes(
        b'{"answer_id": 5}\n\xff\xfe\n' + an_answer(2).model_dump_json().encode() + b"\n"
    )
    found, wrong = read_answers(tmp_path)
    assert [answer.answer_id for answer in found] == ["answer-0001", "answer-0002"]
    assert [line.split(": ")[0] for line in wrong] == ["9.jsonl:1", "9.jsonl:2"]


def test_no_folder_means_no_answers(tmp_path: Path) -> None:
    assert read_answers(tmp_path / "people") == ([], [])


def test_rows_are_the_same_however_often_they_are_made() -> None:
    answer = an_answer(1, decision="edit", text="New 🌊 text", original="Old text", reason="better")
    assert answer.ratings() == answer.ratings() and answer.review() == answer.review()
    review = answer.review()
    assert review is not None and review.diff is not None
    assert edited(json.loads(review.diff)) == review.text == "New 🌊 text"
    assert an_answer(1).review() is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_a_diff_gives_both_texts(before: str, after: str) -> None:
    parts = word_diff(before, after)
    assert (original(parts), edited(parts)) == (before, after)
    assert all(words for _, words in parts)


def test_a_diff_goes_by_words_and_leaves_emoji_whole() -> None:
    assert word_diff("See you 👩‍👩‍👧 at noon", "See you 👨‍👩‍👧 at noon") == [
        ("=", "See you "), ("-", "👩‍👩‍👧"), ("+", "👨‍👩‍👧"), ("=", " at noon"),
    ]  # fmt: skip
    assert word_diff("same", "same") == [("=", "same")]
    assert word_diff("", "") == []


def test_huge_texts_are_compared_as_a_whole() -> None:
    before = "a " * LONGEST
    assert word_diff(before, before + "b") == [("-", before), ("+", before + "b")]


@pytest.mark.parametrize(
    ("signals", "value", "first"),
    [
        (Signals(), 0, None),
        (Signals(overalls=(3, 3)), 0, None),
        (Signals(overalls=(7.0,)), 0.6, "7.0 is near the 7"),
        (Signals(overalls=(5.5, 8.5)), 1.6, "judges are 3.0 apart"),
        (Signals(overalls=(2.0,), alarms=("contradiction",)), 1.0, "may contradict its picture"),
        (Signals(overalls=(2.0,), spread=0.75), 0.4, "the judge's readings differ by 0.8"),
        (Signals(overalls=(2.0,), margin=-0.1), 0.32, "a close call between candidates (0.1)"),
        (Signals(uncertain=("beach",)), 0.2, "uncertain words in its prompt: beach"),
        (Signals(unread=1), 0.5, "1 reading of the judge failed"),
    ],
)
def test_what_a_rating_would_teach(signals: Signals, value: float, first: str | None) -> None:
    found = teaching(signals)
    assert found.value == pytest.approx(value, abs=1e-6)
    assert found.reasons[0].startswith(first) if first else found.reasons == (), found.reasons
