"""What leaves the home: approved posts with their edits, and examples that nothing is measured on."""

import csv
import io
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from rich.console import Console

from components.errors import UserError
from components.people.exports import COLUMNS, ExportSpec, posts_file
from components.people.leaks import HeldOut, hold_out
from components.people.preferences import Candidate, pairs
from components.people.queries import posts_of
from components.people.reviewed import measured_examples
from components.records import Arm, Example, Item, Rating, Review, content_id
from components.specs import AnchorSpec, Selection
from components.warehouse.store import Store
from flows.export_posts import Exported, export_posts, preference_lines
from flows.settings import Settings
from flows.show_people import show_exported
from tests.people.test_opinions import NOW, a_rating, a_review
from tests.report.conftest import ASPECTS


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def run(settings: Settings, **more: Any) -> tuple[Exported, str]:
        monkeypatch.setenv("POSTWRIGHT_HOME", str(settings.home))
        done = export_posts.fn(ExportSpec(out=tmp_path / "out" / "file", **more))
        return done, Path(done.file).read_bytes().decode()

    return run


def say(store: Store, *reviews: Review, ratings: tuple[Rating, ...] = ()) -> None:
    store.append({"reviews": reviews, "ratings": ratings})


def reviewed_home(posts: Any) -> tuple[Settings, list[str]]:
    """Approved, edited, rejected, contested, approved but too long, nobody's."""
    home = posts()
    texts = ["First, @ann #one", "Second", "Third", "Fourth", "Long. " * 80, "Sixth"]
    made = [home.post(text).post_id for text in texts]
    settings = home.done()
    say(
        settings.store(),
        a_review(made[0], "approve"),
        a_review(made[1], "edit", text='Second, "edited"\nin two lines 🌊', alt_text="Waves.", reason="it was dull"),
        a_review(made[2], "reject", reason="wrong"),
        a_review(made[3], "approve"), a_review(made[3], "reject", rater="bo", reason="no"),
        a_review(made[4], "approve"),
    )  # fmt: skip
    return settings, made


def test_approved_posts_leave_with_their_edits_and_the_rest_is_counted(posts, export) -> None:
    settings, made = reviewed_home(posts)
    done, text = export(settings)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["post_id"] for row in rows] == made[:2]
    assert rows[1]["text"] == 'Second, "edited"\nin two lines 🌊' and rows[1]["alt_text"] == "Waves."
    assert rows[1]["original"] == "Second" and rows[1]["reasons"] == "it was dull" and rows[1]["state"] == "edited"
    assert Path(rows[0]["picture"]).is_file() and len(rows[0]["picture_sha256"]) == 64
    assert done.left_out == {"rejected": 1, "contested": 1, "breaks_the_platforms_rules": 1}
    _, again = export(settings, format="json")
    found = json.loads(again)
    assert [row["post_id"] for row in found] == made[:2]
    assert found[0]["alt_text"] == "What is seen." and found[0]["picture"] == rows[0]["picture"]
    assert found[1]["decided_by"] == ["ann"]


def test_an_alternative_text_that_the_platform_refuses_keeps_its_post_here(posts, export) -> None:
    home = posts()
    made = [home.post(f"Post {n}.", with_picture=n < 2).post_id for n in range(3)]
    settings, long = home.done(), "A wave. " * 126
    say(settings.store(), *(a_review(made[n], "edit", alt_text=long[n:1000], reason="more") for n in (0, 2)))
    say(settings.store(), a_review(made[1], "edit", alt_text=long, reason="more"))
    done, text = export(settings)
    assert [row["post_id"] for row in csv.DictReader(io.StringIO(text, newline=""))] == [made[0], made[2]]
    assert done.left_out == {"alternative_text_too_long": 1}


def test_reasons_are_no_formulas_and_texts_are_as_they_will_be_published() -> None:
    row = dict.fromkeys(COLUMNS, "") | {
        "publish_at": None,
        "text": "=1+1",
        "reasons": ["=1+1", "no"],
        "decided_by": ["@a"],
    }
    (line,) = csv.DictReader(io.StringIO(posts_file([row], ExportSpec(out=Path("x"))), newline=""))
    assert (line["text"], line["reasons"], line["decided_by"]) == ("=1+1", "'=1+1; no", "'@a")


def test_bulk_uploads_get_their_columns(posts, export) -> None:
    settings, _ = reviewed_home(posts)
    start = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    url = "https://example.org/pictures/"
    _, text = export(settings, layout="buffer", pictures_url=url, start=start, every_hours=12)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["Text", "Image URL", "Tags", "Posting Time"]
    assert [row[3] for row in rows[1:]] == ["2026-12-01 09:30", "2026-12-01 21:30"]
    assert rows[1][:2] == ["First, @ann #one", "https://example.org/pictures/beach.jpg"]
    _, text = export(settings, layout="hootsuite", start=start)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["12/01/2026 09:30", "First, @ann #one", ""]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"layout": "hootsuite"}, "wants a time"),
        ({"what": "sft", "format": "csv"}, "is not for sft: choose jsonl"),
        ({"layout": "trl"}, "is not for posts"),
        ({"layout": "buffer", "format": "json"}, "is a CSV"),
        ({"campaign": "a", "run_id": "b"}, "not both"),
        ({"holdout_share": 1.0}, "less than 1"),
        ({"every_hours": 0}, "greater than 0"),
    ],
)
def test_what_does_not_go_together_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ExportSpec(out=Path("x"), **wrong)


def test_a_picture_that_is_gone_is_told_and_the_post_leaves_without_it(posts, export, drawn, tmp_path: Path) -> None:
    home = posts()
    path = tmp_path / "gone.jpg"
    shutil.copy(drawn[0], path)
    post = home.post(picture=path)
    settings = home.done()
    say(settings.store(), a_review(post.post_id, "approve"))
    path.unlink()
    done, text = export(settings, format="json")
    assert json.loads(text)[0]["picture"] is None
    assert done.left_out == {"picture_missing (exported without it)": 1}


def test_nothing_approved_writes_no_file(posts, export, tmp_path: Path) -> None:
    home = posts()
    post = home.post()
    settings = home.done()
    with pytest.raises(UserError, match="nothing is approved yet"):
        export(settings)
    say(settings.store(), a_review(post.post_id, "reject", reason="no"))
    with pytest.raises(UserError, match=r"nothing to export \(rejected 1\)"):
        export(settings)
    with pytest.raises(UserError, match=r"nothing to export \(rejected 1\): there is nothing to learn from yet"):
        export(settings, what="sft")
    with pytest.raises(UserError, match="no campaign 'other' in this home; campaigns that ran here: garden-demo"):
        export(settings, campaign="other")
    assert not (tmp_path / "out").exists()


def test_a_campaign_or_a_run_is_exported_alone(posts, export) -> None:
    settings, made = reviewed_home(posts)
    for chosen in ({"campaign": "garden-demo"}, {"run_id": "run-1"}):
        _, text = export(settings, format="json", **chosen)
        assert [row["post_id"] for row in json.loads(text)] == made[:2]


def test_a_run_over_a_sample_is_its_sample_alone(posts) -> None:
    home = posts()
    for _ in range(6):
        home.post(with_picture=False)
    store = home.done().store()
    home.home.run("run-2", campaign="sampled", item_sample=2, item_seed=7)
    sampled = store.items(Selection(dataset="garden", sample=2, seed=7))
    found = posts_of(store, None, "run-2")
    assert len(found) == 2 and found == posts_of(store, "sampled", None) < posts_of(store, None, "run-1")
    of = store.query(
        "SELECT item_id FROM posts JOIN prompts USING (prompt_id) WHERE list_contains($p, post_id)",
        {"p": sorted(found)},
    )
    assert {row["item_id"] for row in of} == {item.item_id for item in sampled}


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
