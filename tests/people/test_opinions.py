"""Ratings in and out, what the views make of them, and how far judges are from people."""

import csv
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from components.errors import UserError
from components.judgments import rubric_id, rubric_text
from components.people.calibration import calibrate, people_agree
from components.people.opinions import Judged, Said
from components.people.order import lot
from components.people.ratings_file import Known, read_ratings, written
from components.records import Rating, Review, content_id
from components.warehouse.store import Store
from flows.fold_ratings import export_ratings, import_ratings
from flows.read_opinions import read, store_calibrations
from flows.settings import Settings
from flows.show_people import show_imported, show_opinions
from tests.report.conftest import ASPECTS

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MPWL, FIVE = rubric_id(rubric_text("mpwl")), rubric_id("five")
SPEC = content_id("judge")


def a_rating(post: str, score: float | None, hours: float = 0, **more: object) -> Rating:
    row = {
        "rater": "ann", "rubric": "mpwl", "rubric_id": MPWL, "aspect": "charm", "slice": "audit", "saw_judge": False,
    } | more  # fmt: skip
    at = NOW + timedelta(hours=hours)
    rating_id = more.get("rating_id") or content_id(post, score, hours, sorted(more.items()))
    return Rating(post_id=post, score=score, created_at=at, **row | {"rating_id": rating_id})  # type: ignore[arg-type]


def a_review(post: str, decision: str, hours: float = 0, **more: object) -> Review:
    row = {"rater": "ann", "slice": "audit"} | more
    at, review_id = NOW + timedelta(hours=hours), content_id(post, decision, hours, sorted(more.items()))
    return Review(review_id=review_id, post_id=post, decision=decision, created_at=at, **row)  # type: ignore[arg-type]


def test_the_later_answer_counts_and_the_blind_one_is_kept_apart(posts) -> None:
    home = posts()
    one, other, third = (home.post().post_id for _ in range(3))
    store = home.done().store()
    store.append(
        {
            "ratings": [
                a_rating(one, 5), a_rating(one, 6, 1), a_rating(one, 9, 2, saw_judge=True),
                a_rating(other, 4), a_rating(other, None, 1, saw_judge=True), a_rating(third, 3, rater="bo"),
            ],
            "reviews": [
                a_review(one, "approve"), a_review(one, "reject", 1), a_review(one, "approve", rater="bo"),
                a_review(other, "edit", text="New.", diff="[]"), a_review(other, "edit", 1, rater="bo", text="Newer."),
                a_review(third, "approve"), a_review(third, "withdraw", 1),
            ],
        }
    )  # fmt: skip
    latest = store.query("SELECT post_id, rater, score FROM latest_ratings ORDER BY score")
    assert [(row["post_id"], row["score"]) for row in latest] == [(third, 3), (one, 9)]
    blind = store.query("SELECT post_id, score FROM blind_ratings ORDER BY score")
    assert [(row["post_id"], row["score"]) for row in blind] == [(third, 3), (other, 4), (one, 6)]
    states = {row["post_id"]: row for row in store.query("SELECT * FROM reviewed_posts")}
    assert {post: row["state"] for post, row in states.items()} == {one: "contested", other: "edited"}
    assert states[other]["text"] == "Newer." and states[other]["decided_by"] == ["ann", "bo"]


# CSV

KNOWN = Known({content_id("p")}, {"mpwl": {MPWL: {"charm": (1.0, 10.0)}}, "five": {FIVE: {"wit": (1.0, 5.0)}}}, {})
HEAD = "post_id,rater,aspect,score,rubric,seconds,saw_judge,created_at,slice,rubric_id"
POST = content_id("p")


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (f"{'0' * 20},ann,charm,5", "unknown_post", "there is no post '0000"),
        (f"{POST},,charm,5", "rater", "a name of 1 to 64 characters"),
        (f"{POST},{'x' * 65},charm,5", "rater", "a name"),
        (f"{POST},ann,wit,5", "aspect", "mpwl has no aspect 'wit'; it has charm"),
        (f"{POST},ann,charm,5,house", "rubric", "unknown rubric 'house'; known are five, mpwl"),
        (f"{POST},ann,charm,", "score", "score '' is no number from 1 to 10"),
        (f"{POST},ann,charm,11", "score", "from 1 to 10"),
        (f"{POST},ann,charm,seven", "score", "score 'seven' is no number"),
        (f"{POST},ann,charm,nan", "score", "score 'nan' is no number"),
        (f"{POST},ann,wit,6,five", "score", "from 1 to 5"),
        (f"{POST},ann,charm,5,,-2", "seconds", "below 0"),
        (f"{POST},ann,charm,5,,,perhaps", "saw_judge", "not yes or no"),
        (f"{POST},ann,charm,5,,,,yesterday", "created_at", "no time"),
        (f"{POST},ann,charm,5,,,,,often", "slice", "not queue, audit or import"),
        (f"{POST},ann,charm,5,,,,,,,more", "malformed", "more cells"),
        (f"{POST},ann,charm,5,,,,,,{FIVE}", "rubric_id", f"no judge went by a text {FIVE!r} of mpwl here; known are"),
    ],
)
def test_a_bad_line_is_refused_with_its_reason(tmp_path: Path, line: str, reason: str, detail: str) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(f"{HEAD}\n\n{line}\n{POST},bo,charm,7.5\n", encoding="utf-8")
    found = read_ratings(path, KNOWN, NOW)
    assert [(refusal.line, refusal.reason) for refusal in found.refused] == [(3, reason)]
    assert detail in found.refused[0].detail
    assert [(rating.rater, rating.score, rating.slice) for rating in found.ratings] == [("bo", 7.5, "import")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "lacks post_id, rater, aspect, score"),
        (b"post_id,rater,score\n", "lacks aspect"),
        (f"{HEAD},colour\n".encode(), "unknown column 'colour'"),
        (b"post_id,rater,aspect,score,score\n", "stands twice"),
        (f"{HEAD}\n".encode(), "no line below"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "theirs.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=told):
        read_ratings(path, KNOWN, NOW)
    with pytest.raises(UserError, match="No such file"):
        read_ratings(tmp_path / "none.csv", KNOWN, NOW)


def test_two_lines_on_one_question_need_times(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(f"post_id,rater,aspect,score\n{POST},ann,charm,5\n{POST},ann,charm,6\n", encoding="utf-8")
    found = read_ratings(path, KNOWN, NOW)
    assert [(refusal.line, refusal.reason) for refusal in found.refused] == [(3, "ambiguous")]


def test_what_is_imported_again_or_exported_and_imported_adds_nothing(posts, tmp_path: Path) -> None:
    home = posts()
    made = [home.post().post_id for _ in range(4)]
    settings = home.done()
    path, console = tmp_path / "theirs.csv", Console(width=80, record=True)
    lines = [f"{post},Ann ünd Bo,{aspect},{n + 5}" for n, post in enumerate(made) for aspect in ASPECTS]
    path.write_text("\ufeffPost_ID, rater ,aspect,score\n" + "\n".join([*lines, "none,x,y,z"]), encoding="utf-8")
    first = import_ratings(settings, path)
    show_imported(first, path, console)
    assert (first.lines, first.new, first.known, len(first.refused)) == (17, 16, 0, 1)
    said = console.export_text()
    assert "line 18: there is no post 'none' in this home" in said
    assert f"taken to be by mpwl, text {MPWL[:8]}: give a column rubric_id to say otherwise" in said
    again = import_ratings(settings, path)
    assert (again.new, again.known) == (0, 16)
    assert len(settings.store().query("SELECT * FROM quarantine WHERE step = 'import_ratings'")) == 1
    path.write_text(path.read_text("utf-8").replace(f"{lines[0]}\n", f"{lines[0][:-1]}9\n"), encoding="utf-8")
    assert import_ratings(settings, path).new == 1, "the rater has another opinion now"
    out = tmp_path / "deep" / "ours.csv"
    assert export_ratings(settings, out) == 16
    assert import_ratings(settings, out).new == 0
    everything = settings.store().query("SELECT * FROM latest_ratings ORDER BY rating_id")
    settings.store().query("DELETE FROM ratings")
    assert import_ratings(settings, out).new == 16
    assert settings.store().query("SELECT * FROM latest_ratings ORDER BY rating_id") == everything
    path.write_text("post_id,rater,aspect,score\nnone,x,y,z\n", encoding="utf-8")
    with pytest.raises(UserError, match="none of its 1 lines can be used; line 2: there is no post 'none'"):
        import_ratings(settings, path)


def test_another_home_reads_the_same_blind_and_latest_ratings(posts, tmp_path: Path) -> None:
    """Also those that were changed or taken back after the judge was seen, and those of neither kind."""
    home = posts()
    made = [home.post(with_picture=False).post_id for _ in range(4)]
    settings = home.done()
    other = Settings(shutil.copytree(settings.home, tmp_path / "other"))
    said = [
        (made[0], 3.0, False), (made[0], 4.0, False), (made[0], 8.0, True),  # changed, then changed towards the judge
        (made[1], 2.0, False), (made[1], None, True),  # taken back
        (made[2], None, True), (made[2], 6.0, True), (made[3], 7.0, False),
    ]  # fmt: skip
    rows = []
    for n, (post, score, saw) in enumerate(said):
        at = NOW + timedelta(minutes=n)
        rating_id = Rating.make_id(post, "ann", "mpwl", ASPECTS[0], score, saw, at, MPWL)
        rows.append(a_rating(post, score, n / 60, aspect=ASPECTS[0], saw_judge=saw, rating_id=rating_id))
    settings.store().append({"ratings": rows})
    path = tmp_path / "ours.csv"
    assert export_ratings(settings, path) == 6
    assert import_ratings(other, path).refused == []
    for view in ("blind_ratings", "latest_ratings"):
        sql = f"SELECT * FROM {view} ORDER BY rating_id"
        assert other.store().query(sql) == settings.store().query(sql), view
    assert {row["score"] for row in other.store().query("SELECT score FROM blind_ratings")} == {4, 2, 7}
    assert {row["score"] for row in other.store().query("SELECT score FROM latest_ratings")} == {8, 6, 7}


@pytest.mark.parametrize("rater", ["=cmd()", "@ann", "-", "+1", "'=ann", "'ann", "ann"])
def test_a_name_is_no_formula_in_a_file_of_ratings_and_comes_back_as_it_was(tmp_path: Path, rater: str) -> None:
    path = tmp_path / "ours.csv"
    path.write_text(written([a_rating(POST, 5, rater=rater).row()]), encoding="utf-8")
    (line,) = csv.DictReader(path.read_text("utf-8").splitlines())
    assert not line["rater"].startswith(("=", "@", "-", "+"))
    assert [rating.rater for rating in read_ratings(path, KNOWN, NOW).ratings] == [rater]


# Calibration


def ratings_of(n: int, raters: tuple[str, ...], slice_: str = "audit", noise: float = 1.0) -> list[Said]:
    rng = np.random.default_rng(3)
    truth = rng.uniform(1, 10, n)

    def score(k: int) -> float:
        return float(np.clip(np.round(truth[k] + rng.normal(0, noise)), 1, 10))

    return [Said(content_id(k), rater, "mpwl", "charm", score(k), slice_, NOW) for k in range(n) for rater in raters]


def judged(said: list[Said], shift: float) -> list[Judged]:
    """A judge that is `shift` too high and has half of the people's range."""
    means: dict[str, list[float]] = {}
    for one in said:
        means.setdefault(one.post_id, []).append(one.score)
    return [
        Judged(p, SPEC, "x/j", "mpwl", {"charm": 5 + 0.5 * (float(np.mean(s)) - 5) + shift}) for p, s in means.items()
    ]


def test_a_planted_bias_is_found_and_the_map_takes_it_away() -> None:
    said = ratings_of(80, ("ann", "bo"))
    (found,) = calibrate(said, judged(said, 1.5))
    people = float(np.mean([one.score for one in said]))
    expected = 5 + 0.5 * (people - 5) + 1.5 - people
    assert found.refused is None and found.map is not None and (found.n, found.raters) == (80, 2)
    assert found.bias.value == pytest.approx(expected, abs=1e-9)
    assert found.bias.low is not None and found.bias.high is not None
    assert found.bias.low < expected < found.bias.high
    assert found.map.mae_after < 0.2 < (found.mae.value or 0)
    assert found.kappa.value is not None and 0.2 < found.kappa.value < 0.9
    assert found.map.of(5 + 0.5 * (8 - 5) + 1.5) == pytest.approx(8, abs=0.3)
    assert calibrate(said[::-1], judged(said, 1.5)[::-1]) == [found], "the order of rows changes nothing"


def test_under_the_least_number_of_labels_nothing_is_said() -> None:
    said = ratings_of(29, ("ann",))
    (found,) = calibrate(said, judged(said, 1))
    assert found.refused == "29 of 30 posts drawn at random are rated" and found.map is None
    assert found.bias.value is found.mae.value is found.kappa.value is None


def test_what_the_queue_chose_is_left_out_and_counted() -> None:
    said = ratings_of(60, ("ann",))
    drawn = sorted({one.post_id for one in said}, key=lot)[:35]
    mixed = [
        Said(
            one.post_id, one.rater, one.rubric, one.aspect, one.score, "audit" if one.post_id in drawn else "queue", NOW
        )
        for one in said
    ]
    (found,) = calibrate(mixed, judged(said, 1))
    assert (found.n, found.left_out) == (35, 25) and found.refused is None
    only_queue = [Said(one.post_id, "ann", "mpwl", "charm", one.score, "queue", NOW) for one in said]
    (found,) = calibrate(only_queue, judged(said, 1))
    assert (found.n, found.left_out) == (0, 60) and found.refused is not None


def test_a_judge_that_says_one_number_gets_figures_and_no_map() -> None:
    said = ratings_of(40, ("ann",))
    flat = [Judged(one.post_id, SPEC, "x/j", "mpwl", {"charm": 7.0}) for one in judged(said, 0)]
    (found,) = calibrate(said, flat)
    assert found.map is None and "nothing to calibrate" in (found.refused or "")
    assert found.bias.value is not None
    assert calibrate(said, []) == [] and calibrate([], flat) == []
    others = [Judged(one.post_id, SPEC, "x/j", "brand", {"charm": 7.0}) for one in flat]
    assert calibrate(said, others) == [], "another rubric is another question"


def test_people_are_compared_where_two_rated_the_same_drawn_post() -> None:
    said = ratings_of(50, ("ann", "bo"), noise=0.5) + ratings_of(70, ("cy",), noise=0.5)[50:]
    (found,) = people_agree(said)
    assert (found.n, found.raters) == (50, 2)
    assert found.alpha.value is not None and found.alpha.value > 0.9
    assert people_agree(ratings_of(50, ("ann",))) == []
    assert people_agree(ratings_of(50, ("ann", "bo"), slice_="queue")) == []


def test_maps_are_kept_and_laid_over_raw_scores_which_stay(posts) -> None:
    home = posts()
    rng = np.random.default_rng(5)
    made = [(home.post(scores=(s, s, 7, None), with_picture=False), s) for s in rng.uniform(3, 9, 40).round(1)]
    settings = home.done()
    store = settings.store()
    said = [
        a_rating(post.post_id, float(np.clip(round(2 * s - 6), 1, 10)), rater=rater, aspect=aspect)
        for post, s in made
        for rater in ("ann", "bo")
        for aspect in ASPECTS[:2]
    ]
    store.append({"ratings": said[: 4 * 29]})
    assert [one.map for one in store_calibrations(store)] == [None, None]
    assert store.query("SELECT * FROM evaluations") == []
    store.append({"ratings": said})
    before = store.query("SELECT * FROM judgments ORDER BY judgment_id")
    kept = store_calibrations(store)
    store_calibrations(store)
    rows = store.query("SELECT metric, count(*) AS n FROM evaluations GROUP BY metric ORDER BY metric")
    assert rows == [{"metric": m, "n": 2} for m in ("bias", "isotonic", "mae", "weighted_kappa")], "once, not twice"
    shown = store.query("SELECT * FROM calibrated_scores ORDER BY post_id, aspect")
    maps = {one.aspect: one.map for one in kept}
    assert len(shown) == 40 * 4
    for row in shown:
        line = maps.get(row["aspect"])
        if line is None:
            assert row["calibrated"] is None
        else:
            assert row["calibrated"] == pytest.approx(line.of(row["score"]), abs=1e-5)
            assert row["people"] is not None and row["raters"] == 2
    assert store.query("SELECT * FROM judgments ORDER BY judgment_id") == before
    console = Console(width=80, record=True)
    show_opinions(read(store), console, kept=True)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert f"offline/judge against people, mpwl, text {MPWL[:8]}" in text and "2 maps kept" in text
    assert f"people with each other, mpwl, text {MPWL[:8]}" in text and "100%" in text
    assert json.dumps(read(store), default=str)


def test_two_texts_of_a_rubric_are_two_questions_and_an_unknown_one_is_told(posts, tmp_path: Path) -> None:
    """Rated by the judge's text, by an edited one, and before texts were kept: none of it is pooled."""
    home = posts()
    made = [home.post(scores=(4 + n % 5, 6, 6, 6), with_picture=False).post_id for n in range(35)]
    edited = tmp_path / "mpwl.yaml"
    edited.write_text(rubric_text("mpwl").replace("social media", "social-media", 1) + "# edited\n", encoding="utf-8")
    other = rubric_id(edited.read_text("utf-8"))
    settings = home.done()
    store = settings.store()
    store.append(
        {
            "ratings": [
                a_rating(
                    post,
                    4 + n % 5 + shift,
                    rater="ann",
                    aspect=ASPECTS[0],
                    rubric_id=text,
                    rating_id=(Rating.make_id(post, "ann", "mpwl", ASPECTS[0], 4.0 + n % 5 + shift, False, NOW, text)),
                )
                for n, post in enumerate(made)
                for shift, text in ((0, MPWL), (1, other), (-1, None))
            ]
        }
    )
    assert len(store.query("SELECT * FROM latest_ratings")) == len(store.query("SELECT * FROM blind_ratings")) == 3 * 35
    unknown, known = store_calibrations(store)
    assert (known.rubric_id, known.bias.value, known.map is None) == (MPWL, 0.0, False)
    assert (unknown.rubric_id, unknown.bias.value, unknown.map) == (None, 1.0, None)
    rows = store.query("SELECT DISTINCT people - score AS apart, calibrated IS NULL AS bare FROM calibrated_scores "
                       "WHERE people IS NOT NULL")  # fmt: skip
    assert rows == [{"apart": 0.0, "bare": False}], "of the judge's own text alone"
    console = Console(width=80, record=True)
    show_opinions(read(store), console, kept=False)
    said = " ".join(console.export_text().split())
    assert "mpwl, text unknown" in said and f"mpwl, text {MPWL[:8]}" in said
    assert "by which text of the rubric people rated is not known" in said
    path = tmp_path / "ours.csv"
    assert export_ratings(settings, path) == 3 * 35
    assert path.read_text("utf-8").count(",unknown,") == 35
    before = store.query("SELECT * FROM latest_ratings ORDER BY rating_id")
    assert import_ratings(settings, path).new == 0
    store.query("DELETE FROM ratings WHERE rubric_id IS NULL")
    assert import_ratings(settings, path).new == 35, "an unknown text stays unknown"
    assert {row["rubric_id"] for row in store.query("SELECT rubric_id FROM latest_ratings")} == {MPWL, other, None}
    assert len(before) == 3 * 35


def test_ratings_of_before_texts_were_kept_get_none_and_keep_their_ids(tmp_path: Path) -> None:
    """The column comes to a warehouse that has ratings; an answer of that time is folded in again as it was."""
    store = Store(tmp_path / "w.duckdb")
    store.prepare()
    with store.connect() as db:
        db.execute("ALTER TABLE ratings DROP COLUMN rubric_id")
        db.execute("DELETE FROM migrations WHERE version = 12")
        db.execute("DROP VIEW latest_ratings")
        db.execute("DROP VIEW blind_ratings")
        db.execute("DROP VIEW calibrated_scores")
        db.execute("COMMENT ON VIEW inputs IS 'older'")
        old = content_id("rating", POST, "ann", "mpwl", "charm", 5.0, False, NOW.isoformat())
        db.execute(
            "INSERT INTO ratings VALUES (?, ?, 'ann', 'mpwl', 'charm', 5, 'audit', NULL, false, ?)", [old, POST, NOW]
        )
    store.prepare()
    assert store.query("SELECT rating_id, rubric_id FROM blind_ratings") == [{"rating_id": old, "rubric_id": None}]
    assert Rating.make_id(POST, "ann", "mpwl", "charm", 5.0, False, NOW) == old
    assert Rating.make_id(POST, "ann", "mpwl", "charm", 5.0, False, NOW, MPWL) != old


def test_nothing_yet_is_told(posts) -> None:
    home = posts()
    home.post()
    console = Console(width=80, record=True)
    show_opinions(read(home.done().store()), console, kept=False)
    assert "nobody has rated yet; start with: postwright review" in console.export_text()
