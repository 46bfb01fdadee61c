"""Examples and pairs for tuning leave the home, but none that something is measured on."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from components.errors import UserError
from components.people.exports import ExportSpec
from components.people.leaks import HeldOut, hold_out
from components.people.preferences import Candidate, pairs
from components.people.reviewed import measured_examples
from components.records import Arm, Example, Item, content_id
from components.specs import AnchorSpec
from flows.export_posts import Exported, preference_lines
from flows.show_people import show_exported
from tests.people.exporting import reviewed_home, say
from tests.people.test_opinions import NOW, a_rating, a_review
from tests.report.conftest import ASPECTS


def test_sft_lines_are_prompt_and_approved_text(posts, export) -> None:
    settings, _ = reviewed_home(posts)
    done, text = export(settings, what="sft")
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["messages"][-1]["content"] for line in lines} >= {
        "First, @ann #one",
        'Second, "edited"\nin two lines 🌊',
    }
    for line in lines:
        assert list(line) == ["messages"]
        assert [message["role"] for message in line["messages"]] == ["system", "user", "assistant"]
        assert line["messages"][0]["content"] == "You write posts."
    assert done.left_out == {"rejected": 1, "contested": 1, "not_reviewed": 1}
    console = Console(width=80, record=True)
    show_exported(done, console)
    shown = console.export_text()
    assert "3 examples" in shown and "no evaluation item is known" in shown


def test_preference_pairs_come_from_edits_decisions_ratings_and_judges(posts, export) -> None:
    home = posts()
    item = home.home.item(500, text="One item, four candidates.")
    made = [
        home.post(f"Candidate {n} says something of its own, number {n * 37}.", item=item, candidate=n, scores=(s,) * 4)
        for n, s in enumerate((4, 6, 9, 5))
    ]
    ids = [post.post_id for post in made]
    settings = home.done()
    say(
        settings.store(),
        a_review(ids[0], "edit", text="An edited candidate.", reason="better"),
        a_review(ids[1], "reject", reason="dull"),
        ratings=tuple(
            a_rating(post, score, rater="ann", aspect=aspect)
            for post, score in ((ids[2], 3), (ids[3], 7))
            for aspect in ASPECTS
        ),
    )  # fmt: skip
    done, text = export(settings, what="preferences")
    lines = [json.loads(line) for line in text.splitlines()]
    found = {(line["chosen"][0]["content"][:12], line["rejected"][0]["content"][:12]): line["source"] for line in lines}
    assert found == {
        ("An edited ca", "Candidate 0 "): "edit",
        ("An edited ca", "Candidate 1 "): "decision",
        ("Candidate 3 ", "Candidate 2 "): "rating",  # people say the opposite of the judge
        ("Candidate 2 ", "Candidate 1 "): "judge",
    }  # and nothing unreviewed by a margin above 0, which people edited
    assert done.sources == {"decision": 1, "edit": 1, "judge": 1, "rating": 1}
    assert lines[0]["prompt"][0] == {"role": "system", "content": "You write posts."}
    _, text = export(settings, what="preferences", layout="openai", judge_margin=None)
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == 3
    assert list(lines[0]) == ["input", "preferred_output", "non_preferred_output"]


def test_means_over_different_aspects_say_nothing_of_which_post_is_better(posts, export) -> None:
    home = posts()
    item = home.home.item(500, text="One item, three candidates.")
    words = ("calm sea at noon", "bread from the oven", "goats upon a wall")
    ids = [home.post(f"It is {said}.", item=item, candidate=n, scores=None).post_id for n, said in enumerate(words)]
    settings = home.done()
    low, high = dict.fromkeys(ASPECTS, 6), {ASPECTS[0]: 4, ASPECTS[1]: 9}
    said = dict(zip(ids, (low, high, {aspect: score + 2 for aspect, score in low.items()}), strict=True))
    say(settings.store(), ratings=tuple(a_rating(post, score, aspect=aspect) for post, scores in said.items()
                                        for aspect, score in scores.items()))  # fmt: skip
    _, text = export(settings, what="preferences")
    (line,) = map(json.loads, text.splitlines())
    assert (line["chosen"][0]["content"], line["rejected"][0]["content"]) == (
        f"It is {words[2]}.",
        f"It is {words[0]}.",
    )
    assert (line["source"], line["margin"]) == ("rating", 2.0), "the partial rating means 6.5, over the harder aspect"


def candidate(name: str, **more: Any) -> Candidate:
    row = {"prompt_id": "p", "item_id": "i", "text": name, "original": name, "state": None, "people": {}, "judges": {}}
    return Candidate(post_id=name, **(row | more))


def test_a_pair_needs_the_same_raters_of_one_mind_and_a_margin() -> None:
    def made(one: dict[str, float], other: dict[str, float], margin: float = 1.0) -> list[tuple[str, str]]:
        found = pairs([candidate("a", people=one), candidate("b", people=other)], margin, None)
        return [(pair.chosen, pair.rejected) for pair in found]

    assert made({"ann": 8}, {"ann": 6}) == [("a", "b")]
    assert made({"ann": 8}, {"bo": 6}) == [], "two scales"
    assert made({"ann": 8, "bo": 5}, {"ann": 5, "bo": 6}) == [], "of two minds"
    assert made({"ann": 6.5}, {"ann": 6}) == [], "closer than the margin"
    assert made({"ann": 6}, {"ann": 7}) == [("b", "a")]
    assert pairs([candidate("a", judges={"j": 9}), candidate("b", judges={"j": 2})], 1, None) == []
    same = [candidate("a", people={"ann": 9}), candidate("a2", text="a", original="a", people={"ann": 2})]
    assert pairs(same, 1, 1) == [], "the same text is no preference"
    edited = candidate("a", text="a, edited", state="edited", judges={"j": 9})
    assert [pair.source for pair in pairs([edited, candidate("b", judges={"j": 2})], 1, 1)] == ["edit"], (
        "the judge has not read the edit"
    )
    assert pairs([], 1, 1) == []


@pytest.mark.parametrize("state", ["approved", "edited"])
def test_no_margin_puts_a_post_that_nobody_reviewed_above_one_that_people_kept(state: str) -> None:
    kept = candidate("kept", state=state, judges={"j": 3}, people={"ann": 3})
    assert pairs([kept, candidate("unseen", judges={"j": 9}, people={"ann": 9})], 1, 1) == []
    both = [kept, candidate("other", state="approved", judges={"j": 9})]
    assert [(pair.chosen, pair.rejected) for pair in pairs(both, 1, 1)] == [("other", "kept")]


# Leaks


def an_item(n: int, text: str, picture: Path | None = None, dataset: str = "garden") -> Item:
    from hashlib import sha256

    digest = sha256(picture.read_bytes()).hexdigest() if picture else None
    return Item(
        item_id=Item.make_id(dataset, digest, text), dataset=dataset, spec_id="s", source_uri=f"u{n}",
        image_path=str(picture) if picture else None, sha256=digest, text=text, ingested_at=NOW,
    )  # fmt: skip


def an_example(text: str, picture: Path | None = None) -> Example:
    item = an_item(0, text, picture, "measured")
    return Example(
        example_id=content_id("example", text, str(picture)), dataset="measured", source_uri="u",
        image_path=item.image_path, sha256=item.sha256, text=text, labels="{}",
    )  # fmt: skip


def test_planted_near_duplicates_of_evaluation_items_are_left_out(drawn, tmp_path: Path) -> None:
    from PIL import Image

    smaller, mirrored, gone = tmp_path / "smaller.jpg", tmp_path / "mirrored.png", tmp_path / "gone.jpg"
    with Image.open(drawn[0]) as image:
        image.resize((120, 120)).save(smaller, quality=60)
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored)
    shutil.copy(drawn[3], gone)
    text = "The harbour lay still this morning and even the gulls kept quiet."
    items = {
        "smaller": an_item(1, "something of its own, one", smaller),
        "mirrored": an_item(2, "something of its own, two", mirrored),
        "retold": an_item(3, text.upper().replace(".", "!!") + " https://example.org/x"),
        "gone": an_item(4, "something of its own, four", gone),
        "other": an_item(5, "A goat on a wall, and nobody minded.", drawn[1]),
    }
    gone.unlink()
    held = hold_out(list(items.values()), [an_example("", drawn[0]), an_example(text), an_example("", drawn[3])])
    reasons = {name: held.why(item.item_id, "An output.") for name, item in items.items()}
    assert reasons == {
        **dict.fromkeys(("smaller", "mirrored", "retold", "gone"), "near_an_evaluation_item"),
        "other": None,
    }
    assert held.why(items["other"].item_id, f"  {text} #x") is None
    assert held.why(items["other"].item_id, f"@ann {text.lower()}") == "says_an_evaluation_text"
    assert hold_out([], []).reasons == {}


def test_a_held_out_share_follows_clusters_and_does_not_move() -> None:
    items = [an_item(n, f"{content_id(n)} {content_id(-n)} text") for n in range(400)]
    twins = [an_item(1000 + n, item.text + "!", dataset="again") for n, item in enumerate(items[:50])]
    one, other = hold_out([*items, *twins], [], 0.2), hold_out([*twins, *items][::-1], [], 0.2)
    assert one.reasons == other.reasons and 60 <= sum(i.item_id in one.reasons for i in items) <= 105
    for item, twin in zip(items[:50], twins, strict=True):
        assert (item.item_id in one.reasons) == (twin.item_id in one.reasons)


def test_items_that_an_experiment_compares_arms_over_are_measured_on(posts) -> None:
    home = posts()
    made = [home.post(f"Post {n}.", with_picture=False) for n in range(3)]
    store = home.done().store()
    items = [row["item_id"] for row in store.query("SELECT item_id FROM items ORDER BY published_at")]
    names = ("spec_id", "experiment", "arm", "baseline", "dataset", "overrides", "feature_spec_id", "prompt_spec_id")
    more = dict.fromkeys((*names, "generation_spec_id", "purse"), "x")
    arms = [
        Arm(arm_id=content_id(n), place=n, judge_spec_ids=["j"], items=items[:2], created_at=NOW, **more)
        for n in range(2)
    ]
    store.append({"arms": arms})
    assert [example.example_id for example in measured_examples(store)] == sorted(items[:2]) and len(made) == 3


def test_anchors_and_what_they_are_about_are_measured_on(posts, export, drawn, tmp_path: Path) -> None:
    """A frozen post that was once written here takes its item along, with what has the same picture; so does an item
    with the text that an anchor is about. All of it is counted."""
    home = posts()
    frozen, about = (
        "Two boats, one harbour, no hurry at all this morning.",
        "The ferry was late again and nobody knew why.",
    )
    made = [
        home.post(frozen, picture=drawn[0]),
        home.post("Another word about the same picture, said otherwise.", picture=drawn[0]),
        home.post("Waiting for the ferry.", item=home.home.item(700, text=about)),
        home.post("Something else entirely, about nothing of it.", picture=drawn[2]),
    ]
    settings = home.done()
    say(settings.store(), *(a_review(post.post_id, "approve") for post in made))
    assert export(settings, what="sft")[0].rows == 4
    path = tmp_path / "anchors.yaml"
    known = [{"id": "boats", "platform": "x", "text": frozen}, {"id": "ferry", "platform": "x", "text": "Late.",
             "source_text": about}]  # fmt: skip
    path.write_text(yaml.safe_dump({"name": "mine", "posts": known}), encoding="utf-8")
    settings.store().register(AnchorSpec(posts=str(path)))
    done, text = export(settings, what="sft")
    assert done.rows == 1 and "Something else entirely" in text
    assert done.left_out == {"evaluation_item": 1, "near_an_evaluation_item": 2}
    assert done.measured == 3 + 1, "three texts of anchors, and the item behind one"


def test_a_pair_that_rejects_an_evaluation_text_is_left_out() -> None:
    from components.learning.near_duplicates import text_key

    said = "The harbour lay still this morning and even the gulls kept quiet."
    key = text_key(said, with_picture=True)
    assert key is not None
    group = [candidate("Good words of its own.", state="approved"), candidate(said, state="rejected")]
    asked = {"p": {"system": "", "user": "Write."}}
    spec, result = ExportSpec(out=Path("x"), what="preferences"), Exported("x", "preferences", 0)
    assert len(preference_lines(group, asked, HeldOut({}), spec, result)[0]) == 1
    lines, left_out = preference_lines(group, asked, HeldOut({}, {key}), spec, result)
    assert lines == [] and left_out == {"says_an_evaluation_text": 1}


def test_exports_leave_out_named_datasets_test_examples_and_a_share(posts, export, tmp_path: Path) -> None:
    from dataclasses import replace

    home = posts()
    made = [home.post(f"Post {n} {content_id(n)}.", with_picture=False) for n in range(30)]
    settings = home.done()
    store = settings.store()
    items = store.query("SELECT * FROM items ORDER BY published_at")
    twin = Item(**items[0])
    measured = replace(twin, item_id=content_id("m"), dataset="measured", text=twin.text + " ")
    tested = Example(example_id=content_id("e"), dataset="d", source_uri="u", text=items[1]["text"], labels="{}")
    store.append({"items": [measured], "examples": [tested]})
    store.query(f"INSERT INTO splits VALUES ('s', '{tested.example_id}', 'c', 'test', NULL)")
    say(store, *(a_review(post.post_id, "approve") for post in made))
    done, text = export(settings, what="sft", holdout_datasets=("measured",), holdout_share=0.3)
    assert done.left_out["near_an_evaluation_item"] == 2 and done.measured == 2
    n_held = done.left_out["held_out_share"]
    assert 2 <= n_held <= 16 and done.rows == 28 - n_held == len(text.splitlines())
    assert done.held_out is not None
    kept_back = json.loads(Path(done.held_out).read_text())
    assert len(kept_back) == n_held and set(kept_back) <= {item["item_id"] for item in items}
    with pytest.raises(UserError, match="no dataset 'none' in this home to hold out; there are garden, measured"):
        export(settings, what="sft", holdout_datasets=("none",))
