"""The review page in a real browser, by keyboard alone, while a pipeline runs on the same home."""

import asyncio
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.drawings.drawing import draw
from components.people.exports import ExportSpec
from flows.settings import Settings
from tests.chromium import CHROMIUM, Tab, browser
from tests.people.conftest import Posts, serving
from tests.prefect_files import with_database

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
]
RATING = "typeof mode !== 'undefined' && mode === 'rating' && document.querySelector('#desk').hidden === false"
JUDGED = "typeof mode !== 'undefined' && mode === 'judged' && document.querySelector('#judged').hidden === false"
SLOW = """(() => { const quick = window.fetch;
    window.fetch = async (...how) => { await new Promise((go) => setTimeout(go, 700)); return quick(...how); }; })()"""
"""Every request takes a while longer, as on a busy machine."""
AXE = Path(__file__).with_name("accessible.js").read_text("utf-8")


async def rate(tab: Tab, *keys: str) -> None:
    await tab.until(RATING)
    await tab.press(*keys)


async def to_next(tab: Tab) -> None:
    await tab.until(JUDGED)
    await tab.press("Enter")


def a_campaign(folder: Path) -> Path:
    """Four drawn pictures, small, for a pipeline of its own."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    for n, scene in enumerate(("concert", "kitchen", "harbour", "snow")):
        draw(9_910_000 + n, size=160, scene=scene).image.save(pictures / f"{scene}.jpg", quality=85)
    path = folder / "meanwhile.yaml"
    path.write_text(
        f"name: meanwhile\ndataset: {{source: folder, path: {pictures}}}\nfeatures: {{captions: 1, keywords: 1}}\n"
    )
    return path


@pytest.mark.slow
async def test_twenty_posts_by_keys_alone_while_a_pipeline_runs(
    posts, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch
) -> None:
    home = posts()
    for n in range(24):
        home.post(scores=(4 + n % 5, 5, 6, 7), others=(9, 9, 9, 9) if n % 7 == 3 else None)
    settings = home.done()
    with_database(settings.home / "prefect", tmp_path_factory)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "POSTWRIGHT_"))}
    command = [sys.executable, "-m", "flows.cli", "run", str(a_campaign(tmp_path / "c")), "--home", str(settings.home)]
    pipeline = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with serving(settings) as (address, _):
        async with browser(tmp_path / "profile") as tab:
            await tab.open(address, 1280, 900)
            await rate(tab, "7", "j", "k", "8", "9", "0", "a")  # j and k come back to the same aspect
            await to_next(tab)
            await rate(tab, "5", "u", "6", "6", "6", "6", "e")  # a score is undone and given again
            await tab.until("document.querySelector('#edit').open && document.activeElement.id === 'edit-text'")
            await tab.press("a", ctrl=True)
            await tab.type("Edited by hand, and still within the rules. #edited")
            await tab.press("Tab")
            await tab.press("Tab")
            await tab.type("it said too little")
            await tab.press("Enter", ctrl=True)
            await to_next(tab)
            await rate(tab, "3", "3", "3", "3", "r")
            await tab.until("document.querySelector('#reject').open")
            await tab.press("2", "Enter")
            await to_next(tab)
            await rate(tab, "s")
            for n in range(3, 20):
                await tab.until(f"{RATING} && Object.keys(scores).length === 0")
                await tab.press(*(str((n + k) % 9 + 1) for k in range(4)))
                await tab.press("Enter" if n % 4 == 0 else "a")
                await to_next(tab)
            await tab.until(RATING)
            assert "20 of 24" in await tab.js("document.querySelector('#told').textContent")
            assert await tab.js("document.querySelector('#bar').getAttribute('aria-valuenow')") == "20"
            await asyncio.to_thread(pipeline.wait, 240)
            assert tab.complaints == []
    said = pipeline.stdout.read() if pipeline.stdout else ""
    assert pipeline.returncode == 0, said
    check_both(settings.store(), said)
    monkeypatch.setenv("POSTWRIGHT_HOME", str(settings.home))
    from flows.export_posts import export_posts

    export_posts.fn(ExportSpec(out=tmp_path / "approved.csv"))
    with (tmp_path / "approved.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1 + 1 + 13 and sum(row["state"] == "edited" for row in rows) == 1
    (edited,) = [row for row in rows if row["state"] == "edited"]
    assert edited["text"] == "Edited by hand, and still within the rules. #edited"
    assert edited["reasons"] == "it said too little" and edited["original"].startswith("Post ")


def check_both(store, said: str) -> None:  # type: ignore[no-untyped-def]
    """Nothing is lost on either side: not of the person's, and not of the pipeline's."""
    assert store.query("SELECT count(*) AS n, count(DISTINCT post_id) AS posts FROM ratings") == [
        {"n": 80, "posts": 20}
    ]
    assert store.query("SELECT decision, count(*) AS n FROM reviews GROUP BY decision ORDER BY decision") == [
        {"decision": "approve", "n": 14}, {"decision": "edit", "n": 1}, {"decision": "reject", "n": 1},
    ], said  # fmt: skip
    assert {row["saw_judge"] for row in store.query("SELECT saw_judge FROM ratings")} == {False}
    assert {row["s"] for row in store.query("SELECT DISTINCT seconds > 0 AS s FROM ratings")} == {True}
    (run,) = store.query("SELECT * FROM runs WHERE campaign = 'meanwhile'")
    assert run["state"] == "done"
    steps = json.loads(run["rows"])
    assert {name: step["rows"] for name, step in steps.items() if name != "extract_features"} == {
        "ingest_items": 4, "build_prompts": 4, "generate_posts": 4, "judge_posts": 16,
    }  # fmt: skip
    assert store.query("SELECT count(*) AS n FROM posts") == [{"n": 28}]


async def test_a_key_that_comes_too_early_is_never_taken_for_another_post(posts, tmp_path: Path) -> None:
    """While an answer is on its way "next" is remembered; scores typed ahead of a post are refused, and told of."""
    home: Posts = posts()
    for _ in range(4):
        home.post()
    settings = home.done()
    with serving(settings, audit=1.0) as (address, _):
        async with browser(tmp_path / "profile") as tab:
            await tab.open(address, 1280, 900)
            await tab.until(RATING)
            for rubric, drafted in (("post.rubric.id", 1), ("'another'", 0)):
                await tab.press("5")
                await tab.js(f"post = {{...post, rubric: {{...post.rubric, id: {rubric}}}}}; keepDraft()")
                await tab.open(address, 1280, 900)
                await tab.until(RATING)
                assert await tab.js("Object.keys(scores).length") == drafted, "a draft is of the rubric that was shown"
            first = await tab.js("post.post_id")
            await tab.js(SLOW)
            await tab.press("5", "6", "7", "8", "a", "Enter", "9")
            assert await tab.js("mode") == "saving" and await tab.js("ahead") is True
            assert "Not taken" in await tab.js("document.querySelector('#saved').textContent")
            await tab.until(f"{RATING} && post.post_id !== {json.dumps(first)}")
            second = await tab.js("post.post_id")
            assert await tab.js("Object.keys(scores).length") == 0, "nothing of it is the next post's"
            await tab.press("s", "3", "3", "3", "3", "a")
            assert await tab.js("mode") == "loading" and await tab.js("Object.keys(scores).length") == 0
            await tab.until(f"{RATING} && post.post_id !== {json.dumps(second)}")
            assert await tab.js("Object.keys(scores).length") == 0
            assert tab.complaints == []
    rows = settings.store().query("SELECT post_id, list(score ORDER BY score) AS scores FROM ratings GROUP BY ALL")
    assert rows == [{"post_id": first, "scores": [5.0, 6.0, 7.0, 8.0]}]


HOSTILE = [
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\"> &amp; {{ 7 * 7 }}",
    "مرحبا بالعالم! هذا منشور طويل من اليمين إلى اليسار #سفر https://example.org",
    "👩‍👩‍👧‍👦🏳️‍🌈 " * 40 + "#emoji",
    "W" * 3000 + " #" + "x" * 500,
    "word " * 18_000,
    "javascript:alert(1) http://example.org/\"onmouseover=\"document.title='taken' #ok @ann",
    "\u202eevil\u202c zero\u200bwidth\x07 bell",
]


@pytest.mark.parametrize("platform", ["x", "instagram", "linkedin", "facebook", "threads", "bluesky", "mastodon"])
async def test_any_post_on_any_platform_fits_and_is_only_text(posts, tmp_path: Path, platform: str) -> None:
    home: Posts = posts(platform=platform)
    for text in HOSTILE if platform in ("x", "linkedin") else HOSTILE[1:4]:
        home.post(text, scores=(5, 5, 5, 5), with_picture=False)
    gone = tmp_path / "gone.jpg"
    draw(9_920_000, size=160, scene="cafe").image.save(gone)
    home.post("Its picture is gone. https://example.org #tag", picture=gone)
    settings = home.done()
    gone.unlink()
    with serving(settings, audit=1.0) as (address, _):
        async with browser(tmp_path / "profile") as tab:
            await tab.open(address, 390)
            for n in range(len(home.posts)):
                await tab.until(RATING)
                post = await tab.js("post.text")
                shown = await tab.js("document.querySelector('.words').textContent")
                assert shown.endswith(post), platform
                for width in (320, 390, 1280):
                    await tab.size(width, 844, mobile=width < 500)
                    assert await tab.js("document.documentElement.scrollWidth") <= width, (width, post[:40])
                assert await tab.js("document.title") == "Review posts · postwright"
                assert await tab.js("document.querySelectorAll('#card script, #card a, #card [onerror]').length") == 0
                if "gone" in post:
                    await tab.until("document.querySelector('.gone')?.textContent === 'The picture file is gone'")
                    complaints = [c for c in tab.complaints if "404" not in c]
                assert await tab.js(AXE) == []
                if n < len(home.posts) - 1:
                    await tab.press("5", "5", "5", "5", "a")
                    await to_next(tab)
                    await tab.until(f"{RATING} && post.text !== {json.dumps(post)}")
            assert complaints == []


async def test_light_dark_and_dialogs_are_accessible(posts, tmp_path: Path) -> None:
    home: Posts = posts()
    for _ in range(3):
        home.post(others=(9, 2, 9, 2))
    with serving(home.done()) as (address, _):
        async with browser(tmp_path / "profile") as tab:
            for scheme in ("light", "dark"):
                await tab.send(
                    "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
                )
                await tab.open(address, 1280, 900)
                await tab.until(RATING)
                assert await tab.js(AXE) == [], scheme
                for key, dialog in (("?", "help"), ("e", "edit"), ("r", "reject")):
                    await tab.press(key)
                    await tab.until(f"document.querySelector('#{dialog}').open")
                    assert await tab.js(AXE) == [], (scheme, dialog)
                    if dialog == "edit":
                        await tab.js("$('edit-alt').value = '🌊'.repeat(post.alt_limit + 1); countAlt()")
                        assert await tab.js("$('edit-alt-count').textContent") == "1,001 of 1,000"
                        assert await tab.js("$('edit-alt-count').className") == "soft over"
                        await tab.js("$('edit-reason').value = 'why'; $('edit-form').requestSubmit()")
                        assert "at most 1,000 characters" in await tab.js("$('edit-error').textContent")
                        assert await tab.js(AXE) == [], (scheme, dialog)
                    await tab.press("Escape")
                    await tab.until(f"!document.querySelector('#{dialog}').open")
                await tab.press("4", "4", "4", "4", "Enter")
                await tab.until(JUDGED)
                assert await tab.js(AXE) == [], scheme
                await tab.press("u")
                await tab.until(RATING)
                assert await tab.js("Object.keys(scores).length") == 4, "as they were"
                await tab.press("Enter")
                await to_next(tab)
            assert tab.complaints == []


async def test_a_server_that_dies_costs_no_answer(posts, tmp_path: Path) -> None:
    """It is killed while a person rates; the answer waits in the browser, past a server that wants another token and
    one of another home, until its own takes it."""
    home: Posts = posts()
    for _ in range(4):
        home.post()
    settings = home.done()
    elsewhere = Settings(shutil.copytree(settings.home, tmp_path / "elsewhere"))
    command = [sys.executable, "-m", "flows.cli", "review", "--no-open", "--port"]

    def start(port: str, *more: str, of: Settings = settings) -> tuple["subprocess.Popen[str]", str]:
        process = subprocess.Popen(
            [*command, port, "--home", str(of.home), *more], cwd=ROOT, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert process.stdout is not None
        return process, process.stdout.readline().split()[-1]

    server, address = start("0")
    try:
        async with browser(tmp_path / "profile") as tab:
            await tab.open(address, 1280, 900)
            await tab.until(RATING)
            server.kill()
            server.wait()
            await tab.press("6", "7", "8", "9", "a")
            await tab.until("document.querySelector('#banner').textContent.startsWith('Not saved yet')")
            assert await tab.js("JSON.parse(localStorage.getItem('postwright-outbox')).length") == 1
            port = address.rpartition(":")[2].strip("/")
            for told, of, more in (
                ("new token", settings, ("--token", "a-token-of-some-length")),
                ("another home", elsewhere, ()),
            ):
                server, _ = start(port, *more, of=of)
                await tab.until(f"document.querySelector('#banner').textContent.includes('{told}')")
                assert await tab.js("JSON.parse(localStorage.getItem('postwright-outbox')).length") == 1
                server.kill()
                server.wait()
            server, _ = start(port)
            await tab.until(JUDGED)
            await tab.until("document.querySelector('#banner').hidden")
            assert await tab.js("localStorage.getItem('postwright-outbox')") == "[]"
    finally:
        server.terminate()
        server.wait()
    rows = settings.store().query("SELECT score FROM ratings ORDER BY score")
    assert [row["score"] for row in rows] == [6, 7, 8, 9]
    assert not elsewhere.people.exists()
