"""The warehouse: rows are written once, what is left to do is an anti-join, writers of several processes take turns."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.chat.journal import calls_view_sql
from components.errors import UserError
from components.records import Feature, Item, Judgment, Post, Prompt, Quarantine, content_id
from components.specs import DatasetSpec, Selection
from components.warehouse.store import ID, Store

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
ALL = Selection(dataset="d")


def items(n: int = 4) -> list[Item]:
    return [
        Item(
            item_id=f"i{k}",
            dataset="d",
            spec_id="D",
            source_uri=f"u{k}",
            ingested_at=T0,
            published_at=T0 + timedelta(days=k),
        )
        for k in range(n)
    ]


def feature(item_id: str, spec_id: str = "F") -> Feature:
    return Feature(
        feature_id=f"f{spec_id}{item_id}",
        item_id=item_id,
        spec_id=spec_id,
        name="caption",
        text="a cap",
        score=0.5,
        model="m",
    )


def prompt(item_id: str) -> Prompt:
    return Prompt(
        prompt_id=f"p{item_id}",
        item_id=item_id,
        spec_id="P",
        feature_spec_id="F",
        platform="x",
        template="mpwl",
        system="s",
        user="u",
        words=[f"fF{item_id}"],
    )


def post(item_id: str, error: str | None = None) -> Post:
    return Post(
        post_id=f"o{item_id}{error or ''}",
        prompt_id=f"p{item_id}",
        spec_id="G",
        platform="x",
        text=None if error else "hi",
        error=error,
        created_at=T0 + timedelta(seconds=0 if error else 1),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "warehouse.duckdb", calls_view_sql(tmp_path / "calls"))
    (tmp_path / "calls").mkdir()
    made.prepare()
    yield made


def test_rows_are_written_once(store: Store) -> None:
    assert store.append({"items": items()}) == {"items": 4}
    assert store.append({"items": items(5)}) == {"items": 1}
    assert [item.item_id for item in store.items(ALL)] == ["i0", "i1", "i2", "i3", "i4"]


def test_of_rows_with_one_id_the_first_is_written(store: Store) -> None:
    again = [replace(item, text="another") for item in items()[:2]]
    assert store.append({"items": [*items(3), *again]}) == {"items": 3}
    assert store.append({"items": [*again, *items(4)]}) == {"items": 1}
    assert "another" not in [item.text for item in store.items(ALL)]


def test_the_large_tables_have_no_index_and_the_small_ones_keep_theirs(store: Store) -> None:
    """What an index takes grows with the table: of one with a million rows it is 40 MB on the disk, and as much is read
    and written for each chunk."""
    sql = "SELECT table_name FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
    indexed = {row["table_name"] for row in store.query(sql)}
    assert not indexed & set(ID) and {"runs", "specs", "backfills", "arms", "reviews", "ratings"} <= indexed
    columns = {row["column_name"] for row in store.query("SELECT column_name FROM duckdb_columns()")}
    assert set(ID.values()) <= columns


def test_a_transaction_is_whole_or_nothing(store: Store) -> None:
    bad = Feature(feature_id="f", item_id="i", spec_id="F", name=None, model="m")  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        store.append({"items": items(), "features": [bad]})
    assert store.items(ALL) == []


def test_records_come_back_as_they_went_in(store: Store) -> None:
    item = items(1)[0]
    store.append({"items": [item], "prompts": [prompt("i0")]})
    assert store.items(ALL) == [item]
    assert store.by_ids(Prompt, "prompts", "prompt_id", ["pi0", "gone"]) == {"pi0": prompt("i0")}


def test_a_window_includes_its_start_and_excludes_its_end(store: Store) -> None:
    store.append({"items": items()})
    window = Selection(dataset="d", published_from=T0 + timedelta(days=1), published_to=T0 + timedelta(days=3))
    assert [item.item_id for item in store.items(window)] == ["i1", "i2"]
    assert [item.item_id for item in store.items(ALL.model_copy(update={"limit": 3}))] == ["i0", "i1", "i2"]
    assert store.items(Selection(dataset="other")) == []


def test_what_is_left_to_do(store: Store) -> None:
    store.append({"items": items()})
    assert len(store.items_without_features(ALL, "F")) == 4
    store.append({"features": [feature("i0"), feature("i1"), feature("i2", "other")]})
    assert [item.item_id for item in store.items_without_features(ALL, "F")] == ["i2", "i3"]
    assert [item.item_id for item in store.items_without_prompts(ALL, "P", "F")] == ["i0", "i1"]
    store.append({"prompts": [prompt("i0"), prompt("i1")]})
    assert store.items_without_prompts(ALL, "P", "F") == []
    assert [item.item_id for item in store.items_without_prompts(ALL, "P", "other")] == ["i2"]
    assert [p.item_id for p in store.prompts_without_posts(ALL, "P", "F", "G", 1, ["timeout"])] == ["i0", "i1"]


def test_what_failed_for_a_while_is_tried_again_and_what_failed_for_good_is_not(store: Store) -> None:
    store.append(
        {
            "items": items(),
            "features": [feature(f"i{k}") for k in range(4)],
            "prompts": [prompt(f"i{k}") for k in range(4)],
        }
    )
    store.append({"posts": [post("i0"), post("i1", "timeout"), post("i2", "refusal")]})
    left = store.prompts_without_posts(ALL, "P", "F", "G", 1, ["timeout"])
    assert [p.item_id for p in left] == ["i1", "i3"]
    assert len(store.prompts_without_posts(ALL, "P", "F", "G", 2, ["timeout"])) == 4
    assert [p.post_id for p in store.posts_without_judgments(ALL, "P", "F", "G", "J", 1, ["timeout"])] == ["oi0"]


def test_the_view_shows_the_success_after_the_failure_and_never_averages_failures(store: Store) -> None:
    store.append({"items": items(1), "features": [feature("i0")], "prompts": [prompt("i0")]})
    store.append({"posts": [post("i0", "timeout"), post("i0")]})
    readings = [("a", 0, 8.0), ("a", 1, 6.0), ("b", 0, 4.0), ("b", 1, None)]
    store.append(
        {
            "judgments": [
                Judgment(
                    judgment_id=content_id(aspect, repeat),
                    post_id="oi0",
                    spec_id="J",
                    repeat=repeat,
                    aspect=aspect,
                    score=score,
                    error=None if score else "unparsable",
                    cost_usd=0.25,
                    created_at=T0,
                )
                for aspect, repeat, score in readings
            ]
        }
    )
    (row,) = store.query("SELECT * FROM judged_posts")
    assert row["text"] == "hi" and row["error"] is None
    assert row["aspects"] == {"a": 7.0, "b": 4.0} and row["overall"] == 5.5
    assert row["failed_readings"] == 1 and row["readings"] == 2
    assert row["words"] == {"caption": ["a cap"]}
    assert row["judge_cost_usd"] == pytest.approx(1.0)


def test_the_view_rounds_away_what_threads_add_in_any_order(store: Store) -> None:
    store.append({"items": items(1), "features": [feature("i0")], "prompts": [prompt("i0")], "posts": [post("i0")]})
    scores = [(f"a{k % 7}", k // 7, 1 + (k * 0.377) % 9) for k in range(140)]
    store.append(
        {
            "judgments": [
                Judgment(
                    judgment_id=content_id(aspect, repeat),
                    post_id="oi0",
                    spec_id="J",
                    repeat=repeat,
                    aspect=aspect,
                    score=score,
                    cost_usd=0.1 / 3,
                    created_at=T0,
                )
                for aspect, repeat, score in scores
            ]
        }
    )
    (row,) = store.query("SELECT aspects, overall, judge_cost_usd FROM judged_posts")
    shown = [*row["aspects"].values(), row["overall"]]
    assert shown == [round(value, 6) for value in shown]
    assert row["overall"] == pytest.approx(sum(score for _, _, score in scores) / 140, abs=1e-6)
    assert row["judge_cost_usd"] == round(140 * 0.1 / 3, 9)


def test_a_text_that_no_column_takes_is_stored_with_what_can_be_shown_of_it(store: Store) -> None:
    odd = "half \ud83d pair, \x00 and é"
    failed = Post(**(post("i0", "server_error").row() | {"error_detail": odd}))
    assert store.append({"posts": [failed]}) == {"posts": 1}
    (row,) = store.query("SELECT error_detail FROM posts")
    assert row["error_detail"] == "half \ufffd pair, \ufffd and é"


def test_a_reading_with_one_aspect_to_be_tried_again_is_not_done(store: Store) -> None:
    store.append({"items": items(1), "features": [feature("i0")], "prompts": [prompt("i0")], "posts": [post("i0")]})

    def reading(aspect: str, error: str | None) -> Judgment:
        return Judgment(
            judgment_id=content_id(aspect, error),
            post_id="oi0",
            spec_id="J",
            aspect=aspect,
            score=None if error else 5.0,
            error=error,
            created_at=T0,
        )

    store.append({"judgments": [reading("a", None), reading("b", "timeout")]})
    assert len(store.posts_without_judgments(ALL, "P", "F", "G", "J", 1, ["timeout"])) == 1
    store.append({"judgments": [reading("b", None)]})
    assert store.posts_without_judgments(ALL, "P", "F", "G", "J", 1, ["timeout"]) == []


def test_an_input_that_two_runs_read_at_once_is_no_duplicate_of_itself(store: Store) -> None:
    store.append({"items": items(1)})
    mine = Quarantine(
        quarantine_id="q",
        step="ingest_items",
        dataset="d",
        source_uri="u0",
        item_id="i0",
        reason="duplicate",
        detail="",
        at=T0,
    )
    assert store.append({"quarantine": [mine]}) == {"quarantine": 0}
    edited = Quarantine(**(mine.row() | {"stamp": "later"}))
    assert store.append({"quarantine": [edited]}) == {"quarantine": 1}


def test_a_moved_picture_is_found_where_it_was_met_again(store: Store, tmp_path: Path) -> None:
    old, new = tmp_path / "old.jpg", tmp_path / "new.jpg"
    old.write_bytes(b"x")
    item = Item(**(items(1)[0].row() | {"image_path": str(old)}))
    store.append({"items": [item]})
    old.rename(new)
    assert store.items(ALL)[0].image_path == str(old)
    met = Quarantine(
        quarantine_id="q",
        step="ingest_items",
        dataset="d",
        source_uri=str(new),
        image_path=str(new),
        item_id="i0",
        reason="duplicate",
        detail="",
        at=T0,
    )
    store.append({"quarantine": [met]})
    assert store.items(ALL)[0].image_path == str(new)


def test_many_moved_pictures_are_one_question(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = [Item(**(item.row() | {"image_path": str(tmp_path / f"gone-{item.item_id}.jpg")})) for item in items(40)]
    places = [tmp_path / f"new-{item.item_id}.jpg" for item in moved]
    for place in places[:30]:
        place.write_bytes(b"x")
    met = [
        Quarantine(
            quarantine_id=f"q{item.item_id}",
            step="ingest_items",
            dataset="d",
            source_uri=str(place),
            image_path=str(place),
            item_id=item.item_id,
            reason="duplicate",
            detail="",
            at=T0,
        )
        for item, place in zip(moved, places, strict=True)
    ]
    store.append({"items": moved, "quarantine": met})
    asked, plain = [], Store.query

    def counted(self: Store, sql: str, params: object = None) -> object:
        asked.append(sql)
        return plain(self, sql, params)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "query", counted)
    found = store.items(ALL)
    by_id = store.by_ids(Item, "items", "item_id", [item.item_id for item in moved])
    assert len(asked) == 4
    assert [item.image_path for item in found[:30]] == [str(place) for place in places[:30]]
    assert [item.image_path for item in found[30:]] == [item.image_path for item in moved[30:]]
    assert by_id == {item.item_id: item for item in found}


def test_only_the_newest_item_of_an_input_is_selected_and_the_old_one_stays_in_its_table(store: Store) -> None:
    later = Item(**(items(1)[0].row() | {"item_id": "edited", "stamp": "2", "ingested_at": T0 + timedelta(hours=1)}))
    elsewhere = Item(**(items(1)[0].row() | {"item_id": "elsewhere", "dataset": "other"}))
    store.append({"items": [*items(2), later, elsewhere], "features": [feature("i0"), feature("edited")]})
    assert [item.item_id for item in store.items(ALL)] == ["edited", "i1"]
    assert [item.item_id for item in store.items_without_features(ALL, "F")] == ["i1"]
    assert [item.item_id for item in store.items(Selection(dataset="other"))] == ["elsewhere"]
    assert store.query("SELECT count(*) AS n FROM items WHERE dataset = 'd'") == [{"n": 3}]


def test_calls_is_a_view_even_before_the_first_call(store: Store) -> None:
    assert store.query("SELECT count(*) AS n FROM calls") == [{"n": 0}]


def test_specs_keep_what_an_id_stands_for(store: Store, tmp_path: Path) -> None:
    spec = DatasetSpec(source="folder", path=tmp_path / "pictures")
    store.register(spec, spec)
    (row,) = store.query("SELECT *, params->>'$.name' AS name FROM specs")
    assert (row["spec_id"], row["step"], row["name"]) == (spec.id, "ingest_items", "pictures")


HOLD = """
import duckdb, sys, time
held = duckdb.connect(sys.argv[1]); print("held", flush=True); time.sleep(float(sys.argv[2]))
"""


def hold(path: Path, seconds: float) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_a_writer_waits_for_another_process(store: Store) -> None:
    process = hold(store.path, 1.0)
    begun = time.monotonic()
    assert store.append({"items": items()}) == {"items": 4}
    assert time.monotonic() - begun > 0.3
    process.wait()


def test_a_warehouse_that_stays_locked_is_one_clear_line(store: Store) -> None:
    process = hold(store.path, 30)
    store.wait_s = 0.3
    with pytest.raises(UserError, match="held by another process"):
        store.items(ALL)
    process.kill()
    process.wait()


def test_a_newer_warehouse_is_refused(store: Store) -> None:
    with store.connect() as db:
        db.execute("INSERT INTO migrations VALUES (9999, 'later', now())")
    with pytest.raises(UserError, match="newer postwright"):
        store.prepare()


def test_a_file_that_is_no_warehouse_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("not a database, but long enough to be looked at by its header " * 40)
    with pytest.raises(UserError, match="cannot open the warehouse"):
        Store(path).prepare()


def test_a_larger_sample_holds_the_smaller_one_and_another_seed_is_another(tmp_path: Path) -> None:
    store = Store(tmp_path / "warehouse.duckdb")
    store.prepare()
    store.append({"items": items(30)})

    def ids(**rule: int) -> list[str]:
        return [item.item_id for item in store.items(Selection(dataset="d", **rule))]

    ten, five = ids(sample=10, seed=4), ids(sample=5, seed=4)
    assert len(ten) == 10 and set(five) < set(ten) and ten == ids(sample=10, seed=4) != ids(sample=10, seed=5)
    assert [int(name[1:]) for name in ten] == sorted(int(name[1:]) for name in ten), "in the order of time"
    assert ids(sample=10, seed=4, limit=3) == ten[:3]
    more = [replace(item, item_id=f"{item.item_id}x", source_uri=f"x{n}") for n, item in enumerate(items(5))]
    store.append({"items": more})
    assert len(set(ids(sample=10, seed=4)) & set(ten)) >= 5, "each new item pushes out one at the most"
