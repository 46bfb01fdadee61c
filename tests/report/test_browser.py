"""The page in a real browser: it fits a phone, its filters work, and nothing is reported on the console."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from components.report import render
from tests.chromium import CHROMIUM, browser
from tests.report.conftest import T0

CHOOSE = """(name, value) => {
  const field = document.querySelector('.filter form').elements[name];
  field.value = value;
  for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {bubbles: true}));
}"""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
]


async def test_filters_work_and_nothing_overflows(home, tmp_path: Path) -> None:
    item = home.item(950, text="A" * 300 + " https://example.org/" + "b" * 300)
    home.post(item, [], "W" * 400 + " #" + "x" * 200, rules=["length 600 > 280"])
    score = {"overall": {"n": 6, "mean": 6.5, "low": 6.2, "high": 6.9}}
    for n in range(30):  # a long trend, each run by another judge
        specs = json.dumps({"judge_posts": "w" * 60 + str(n)})
        home.run(f"run-0{n}", started_at=T0 - timedelta(days=40 - n), spec_ids=specs, scores=json.dumps(score))
    home.run()
    path = tmp_path / "report.html"
    path.write_text(render(home.store, "run-1"), encoding="utf-8")
    visible = "[...document.querySelectorAll('article')].filter(a => a.offsetParent !== null).length"
    async with browser(tmp_path / "profile") as tab:
        for width in (320, 390, 768, 1280):
            await tab.open(path, width)
            await tab.js("document.querySelectorAll('details').forEach(d => { d.open = true; })")
            assert await tab.js("document.documentElement.scrollWidth") <= width
        assert await tab.js(visible) == 10
        cases = (("state", "error", 2), ("scene", "beach", 2), ("text", "ferry LATE", 1), ("low", "11", 0))
        for name, value, n in cases:
            await tab.js(f"({CHOOSE})('{name}', '{value}')")
            assert await tab.js(visible) == n, name
            assert (await tab.js("document.querySelector('output').textContent")) == f"{n} of 10 posts"
            assert await tab.js("document.querySelector('#nothing').offsetParent !== null") == (n == 0)
            await tab.js("document.querySelector('.reset').click(); new Promise(done => setTimeout(done, 60))")
            assert await tab.js(visible) == 10
        await tab.js(f"({CHOOSE})('sort', 'worst')")
        shown = await tab.js("[...document.querySelectorAll('article')].map(a => a.dataset.score).filter(s => s)")
        assert [float(score) for score in shown] == sorted(float(score) for score in shown)
        await tab.js("document.querySelector('.picture button').click()")
        assert await tab.js(
            "document.querySelector('dialog').open && document.querySelector('dialog img').naturalWidth > 0"
        )
        assert tab.complaints == []


async def test_without_javascript_it_is_a_plain_list(home, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(home.store, "run-1"), encoding="utf-8")
    async with browser(tmp_path / "profile") as tab:
        await tab.send("Emulation.setScriptExecutionDisabled", value=True)
        await tab.open(path, 390)
        assert await tab.js("document.querySelector('.filter').hidden")
        assert await tab.js("[...document.querySelectorAll('article')].every(a => a.offsetHeight > 100)")
