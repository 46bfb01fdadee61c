"""The page's addresses: what is kept, what is told when, and what is refused."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from components.judgments import rubric_id, rubric_text
from components.people.answers import read_answers
from components.people.desk import Desk
from components.people.queries import read_snapshot
from components.records import Judgment, content_id
from components.specs import JudgeSpec
from flows.fold_ratings import fold
from flows.review_posts import Reviewing
from flows.settings import Settings
from tests.report.conftest import T0

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time, duckdb
with duckdb.connect(sys.argv[1]):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def held(settings: Settings, seconds: float) -> "subprocess.Popen[str]":
    """Another process that has the warehouse open, as a pipeline that writes."""
    command = [sys.executable, "-c", HOLD, str(settings.warehouse), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


async def test_a_rating_is_blind_then_kept_then_shown_beside_the_judges(posts, serve) -> None:
    home = posts()
    for n in range(6):
        home.post(scores=(5 + n % 3, 6, 7, 8), others=(9, 9, 9, 9) if n == 2 else None)
    settings = home.done()
    async with serve(settings, audit=0) as page:
        first = await page.next()
        assert first["post_id"] == home.posts[2].post_id, "judges are furthest apart there"
        blind = json.dumps(first)
        assert "Measured" not in blind and "offline/judge" not in blind and "apart" not in blind
        status, _ = await page.get(f"post/{first['post_id']}", params={"rater": "ann", "judged": "1"})
        assert status == 403
        status, found = await page.rate(first, "answer-one")
        assert status == 200
        assert {judge["model"] for judge in found["judged"]["judges"]} == {"offline/judge", "openai/other"}
        assert found["judged"]["slice"] == "queue" and "judges are" in found["judged"]["why"][0]
        assert found["progress"]["done"] == 1 and found["progress"]["total"] == 6
        status, _ = await page.get(f"post/{first['post_id']}", params={"rater": "ann", "judged": "1"})
        assert status == 200
        status, _ = await page.get(f"post/{first['post_id']}", params={"rater": "bo", "judged": "1"})
        assert status == 403, "the judge's view is for who answered"
        again = await page.rate(first, "answer-one", decision="reject", reason="no")
        assert again[0] == 200, "the same answer arrives twice: it is kept once"
        await page.rate(first, "answer-two", decision="reject", reason="on second thoughts")
    rows = settings.store().query("SELECT * FROM ratings ORDER BY created_at, aspect")
    assert [row["saw_judge"] for row in rows] == [False] * 4 + [True] * 4
    assert {row["seconds"] for row in rows} == {12.5} and {row["rubric"] for row in rows} == {"mpwl"}
    decisions = settings.store().query("SELECT decision, saw_judge FROM reviews ORDER BY created_at")
    assert decisions == [{"decision": "approve", "saw_judge": False}, {"decision": "reject", "saw_judge": True}]
    assert settings.store().query("SELECT state FROM reviewed_posts") == [{"state": "rejected"}]
    assert len(settings.store().query("SELECT * FROM blind_ratings")) == 4


async def test_an_answer_is_kept_while_another_process_holds_the_warehouse(posts, serve, monkeypatch) -> None:
    monkeypatch.setattr("flows.review_posts.FOLD_S", 0.2)
    monkeypatch.setattr("flows.review_posts.WAIT_S", 0.5)
    home = posts()
    for _ in range(3):
        home.post()
    settings = home.done()
    async with serve(settings) as page:
        first = await page.next()
        with held(settings, 3) as holder:
            status, found = await page.rate(first, "while-held")
            assert status == 200 and found["waiting"] == 1
            answers, wrong = read_answers(settings.people)
            assert [answer.answer_id for answer in answers] == ["while-held"] and wrong == []
            assert await page.next() is not None, "what was read before can still be rated"
            await until(lambda: page.home.waiting().message is not None)
            assert "held by another process" in (await page.get("state"))[1]["message"]
            holder.wait()
        await until(lambda: page.home.waiting().answers == 0)
        assert (await page.get("state"))[1]["message"] is None
        assert len(settings.store().query("SELECT * FROM ratings")) == 4


async def test_who_comes_before_the_first_reading_waits_for_it(posts, serve, monkeypatch) -> None:
    """A large home takes a while; that is no other process, and a browser would log an error."""
    home = posts()
    home.post()
    reading = Reviewing._read
    monkeypatch.setattr(Reviewing, "_read", lambda self: (time.sleep(0.5), reading(self))[1])
    async with serve(home.done()) as page:
        status, found = await page.get("next", params={"rater": "ann"})
        assert status == 200 and found["post"]["post_id"] == home.posts[0].post_id


async def test_a_home_that_is_held_from_the_start_is_waited_for(posts, serve) -> None:
    home = posts()
    home.post()
    settings = home.done()
    with held(settings, 3) as holder:
        async with serve(settings) as page:
            status, found = await page.get("next", params={"rater": "ann"})
            assert status == 503 and found["is_read"] is False
            kept = {"answer_id": "kept-in-browser", "post_id": home.posts[0].post_id, "rater": "ann"}
            given = kept | {"scores": {"relevance_clarity": 7}, "decision": "approve"}
            for path, body in (("answer", given), ("undo", kept), ("skip", kept)):
                assert (await page.say(path, body))[0] == 503, "a browser gives up what is answered with 404"
            assert read_answers(settings.people) == ([], [])
            holder.wait()
            assert await page.next() is not None
            assert (await page.say("answer", given))[0] == 200
            assert (await page.say("undo", kept | {"answer_id": "taken-back"}))[0] == 200
    assert [answer.answer_id for answer in read_answers(settings.people)[0]] == ["kept-in-browser", "taken-back"]


async def until(condition, seconds: float = 30) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


def test_a_killed_page_loses_nothing_that_it_acknowledged(posts) -> None:
    """kill -9 in the midst of answers: whatever was acknowledged is folded in by who comes next."""
    home = posts()
    for _ in range(30):
        home.post()
    settings = home.done()
    command = [sys.executable, "-m", "flows.cli", "review", "--home", str(settings.home), "--port", "0", "--no-open"]
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    page = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
    assert page.stdout is not None
    address = page.stdout.readline().split()[-1]

    async def rate() -> int:
        import aiohttp

        acknowledged = 0
        async with aiohttp.ClientSession() as session:
            csrf = (await (await session.get(address + "state")).json())["csrf"]
            for n in range(12):
                found = {}
                while "post" not in found:
                    found = await (await session.get(address + "next?rater=ann")).json()
                body = {
                    "answer_id": f"answer-{n:04}", "post_id": found["post"]["post_id"], "rater": "ann",
                    "scores": {"relevance_clarity": 5}, "decision": None,
                }  # fmt: skip
                reply = await session.post(address + "answer", json=body, headers={"x-postwright-csrf": csrf})
                acknowledged += reply.status == 200
                if n == 11:
                    page.kill()
        return acknowledged

    acknowledged = asyncio.run(rate())
    page.wait()
    assert acknowledged == 12
    (file,) = settings.people.glob("*.jsonl")
    with file.open("ab") as half:
        half.write(b'{"answer_id": "cut-in-the-mid')
    done = fold(settings)
    assert done.unreadable == 0
    assert len(settings.store().query("SELECT * FROM ratings")) == 12
    assert fold(settings).ratings == 0, "folding again adds nothing"


async def test_two_raters_share_the_queue_and_meet_in_the_audit(posts, serve) -> None:
    home = posts()
    for n in range(40):
        home.post(scores=(n % 10 + 1, 5, 5, 5))
    settings = home.done()
    async with serve(settings, audit=0.2) as page:

        async def work(rater: str) -> tuple[set[str], set[str]]:
            seen: dict[str, set[str]] = {"audit": set(), "queue": set()}
            for n in range(12):
                post = await page.next(rater)
                status, found = await page.rate(post, f"{rater}-answer-{n}", rater=rater)
                assert status == 200
                seen[found["judged"]["slice"]].add(post["post_id"])
            return seen["audit"], seen["queue"]

        (ann_audit, ann_queue), (bo_audit, bo_queue) = await asyncio.gather(work("ann"), work("bo"))
        assert ann_audit == bo_audit and len(ann_audit) == 3, "every fifth"
        assert not ann_queue & bo_queue
        status, html = await page.get("agreement")
        assert status == 200 and b"People with each other" in html
    store = settings.store()
    assert len(store.query("SELECT * FROM ratings")) == 2 * 12 * 4
    shared = store.query("SELECT post_id FROM latest_ratings GROUP BY post_id HAVING count(DISTINCT rater) = 2")
    assert {row["post_id"] for row in shared} == ann_audit


async def test_undo_takes_back_and_the_next_answer_is_not_blind(posts, serve) -> None:
    home = posts()
    home.post()
    home.post()
    settings = home.done()
    async with serve(settings) as page:
        first = await page.next()
        assert (await page.say("undo", {"rater": "ann", "post_id": first["post_id"], "answer_id": "undo-0001"}))[
            0
        ] == 409
        await page.rate(first, "answer-0001")
        await page.rate(first, "answer-00b1", scores={}, decision="reject", reason="no, not that")
        status, found = await page.say("undo", {"rater": "ann", "post_id": first["post_id"], "answer_id": "undo-0001"})
        assert status == 200 and found["progress"]["done"] == 0
        await page.rate(first, "answer-0002", decision=None)
    store = settings.store()
    assert store.query("SELECT * FROM latest_reviews") == []
    assert {row["saw_judge"] for row in store.query("SELECT saw_judge FROM latest_ratings")} == {True}
    assert len(store.query("SELECT * FROM blind_ratings")) == 4


async def test_an_edit_is_kept_as_a_diff_with_its_reason(posts, serve) -> None:
    home = posts()
    post = home.post("A calm sea 🌊 at noon.")
    settings = home.done()
    async with serve(settings) as page:
        first = await page.next()
        for wrong in (
            {"decision": "edit", "text": "A wild sea 🌊 at noon."},
            {"decision": "edit", "text": "A calm sea 🌊 at noon.", "reason": "why"},
            {"decision": "edit", "text": "  ", "reason": "why"},
            {"decision": "edit", "alt_text": "x" * (first["alt_limit"] + 1), "reason": "why"},
            {"decision": "reject"},
            {"decision": "approve", "text": "Something else."},
            {"decision": "withdraw"},
            {"scores": {"charm": 5}},
            {"scores": {"relevance_clarity": 11}},
            {"scores": {"relevance_clarity": 0}},
            {"scores": {"relevance_clarity": None}},
            {"scores": {}, "decision": None},
            {"scores": {"relevance_clarity": "many"}},
            {"seconds": -1},
            {"rater": ""},
            {"rater": "a\nb"},
            {"rater": "a\u202eb"},
            {"rater": 5},
            {"decision": "publish"},
            {"answer_id": "../../etc"},
            {"unknown": 1},
        ):
            status, found = await page.rate(first, "answer-wrong", **wrong)
            assert status == 422 and found["error"], wrong
        assert read_answers(settings.people) == ([], [])
        status, _ = await page.rate(
            first,
            "answer-0001",
            decision="edit",
            text="A wild sea 🌊 at dusk.",
            alt_text="🌊" * first["alt_limit"],
            reason="it storms",
        )
        assert status == 200
    (row,) = settings.store().query("SELECT * FROM reviews")
    assert json.loads(row["diff"]) == [
        ["=", "A "], ["-", "calm"], ["+", "wild"], ["=", " sea 🌊 at "], ["-", "noon"], ["+", "dusk"], ["=", "."],
    ]  # fmt: skip
    assert (row["text"], row["alt_text"], row["reason"]) == ("A wild sea 🌊 at dusk.", "🌊" * 1000, "it storms")
    (stands,) = settings.store().query("SELECT state, text, alt_text, original FROM reviewed_posts")
    assert stands == {
        "state": "edited", "text": "A wild sea 🌊 at dusk.", "alt_text": "🌊" * 1000, "original": post.text,
    }  # fmt: skip


async def test_a_post_that_left_the_queue_can_still_be_answered(posts, serve) -> None:
    """Its item was edited while it was on the screen: another item stands for it now."""
    home = posts()
    home.post()
    home.post()
    settings = home.done()
    async with serve(settings) as page:
        first = await page.next()
        desk: Desk = page.home.desk
        snapshot = desk.snapshot
        assert snapshot is not None
        from dataclasses import replace

        rest = {post_id: row for post_id, row in snapshot.posts.items() if post_id != first["post_id"]}
        desk.read(replace(snapshot, posts=rest))
        second = await page.next()
        assert second["post_id"] != first["post_id"]
        assert (await page.rate(first, "answer-0001"))[0] == 200
        unknown = first | {"post_id": "0" * 20}
        assert (await page.rate(unknown, "answer-0002"))[0] == 404
    assert len(settings.store().query("SELECT * FROM ratings")) == 4


async def test_an_answer_is_by_the_rubric_that_was_on_the_screen(posts, serve, tmp_path: Path) -> None:
    """Judges by an edited rubric and by another one read the posts while a person looks at them."""
    text = rubric_text("mpwl")
    edited, other = tmp_path / "edited.yaml", tmp_path / "other.yaml"
    edited.write_text(text + "# edited\n", encoding="utf-8")
    other.write_text(text.replace("name: relevance_clarity", "name: wit", 1), encoding="utf-8")
    home = posts()
    made = [home.post(scores=None) for _ in range(2)]
    settings = home.done()
    async with serve(settings) as page:
        shown = [await page.next("ann"), await page.next("bo")]
        assert {post["rubric"]["id"] for post in shown} == {rubric_id(text)}
        judges = [JudgeSpec(model="openai/m", rubric=str(path)) for path in (edited, other)]
        store = settings.store()
        store.register(*judges)
        store.append({"judgments": [
            Judgment(judgment_id=content_id(post.post_id), post_id=post.post_id, spec_id=judge.id, aspect="wit",
                     score=5, created_at=T0)
            for post, judge in zip(made, judges, strict=True)
        ]})  # fmt: skip
        page.home.desk.read(read_snapshot(store))
        now = {post.post_id: page.home.desk.rubric_of(post.post_id)["id"] for post in made}
        assert rubric_id(text) not in now.values(), "who sees the posts from now on is asked by other rubrics"
        for n, post in enumerate(shown):
            said = {"rubric_id": post["rubric"]["id"]}
            assert (await page.rate(post, f"answer-000{n}", **said))[0] == 200, post
        status, found = await page.rate(shown[0], "answer-0003", rubric_id="0" * 20)
        assert status == 409 and "not used here any more" in found["error"]
        assert (await page.rate(shown[0], "answer-0004", scores={"wit": 3}, rubric_id=rubric_id(other.read_text())))[
            0
        ] == 200
    rows = settings.store().query("SELECT rubric_id, count(*) AS n FROM ratings GROUP BY ALL ORDER BY n DESC")
    assert rows == [{"rubric_id": rubric_id(text), "n": 8}, {"rubric_id": rubric_id(other.read_text()), "n": 1}]


async def test_a_full_disk_is_told_and_nothing_is_acknowledged(posts, serve, monkeypatch) -> None:
    import resource
    import signal

    home = posts()
    home.post()
    settings = home.done()
    async with serve(settings) as page:
        first = await page.next()
        await page.rate(first, "answer-0001")
        size = next(settings.people.glob("*.jsonl")).stat().st_size
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, before[1]))
        try:
            status, found = await page.rate(first, "answer-0002")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert status == 507 and "free some space" in found["error"]
        assert [answer.answer_id for answer in read_answers(settings.people)[0]] == ["answer-0001"]
        assert (await page.rate(first, "answer-0002"))[0] == 200, "and again once there is space"
