"""The report of a training shows what the warehouse holds of it, is the same file twice, and nothing can break out."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from components.errors import UserError
from components.learning.encoded import Encoded
from components.learning.metrics import measure
from components.learning.spec import SplitRule
from components.learning.splits import split
from components.records import Example, content_id
from components.report import render_training
from components.report.training_charts import Forest, abstention, forest, heat, reliability
from components.report.training_comparisons import verdict_of
from components.warehouse.store import Store
from tests.report.trained import LABELS, answers, as_rows, checks, evaluate, examples, settings, train

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
EVIL = "</style><script>alert(1)</script><img src=x onerror=alert(2)>\"'` {{ 7 * 7 }}"


class Page(HTMLParser):
    """Every start tag with its attributes, the text of each cell, and what is open at the end."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(tmp_path_factory.mktemp("home") / "warehouse.duckdb")
    made.prepare()
    settings("train_prompt_words", made, "t1")
    train(made, "t1")
    only = {"sentiment": {"kind": "classification", "labels": list(LABELS["sentiment"])}}
    settings("evaluate_prompt_words", made, "e1", name="moods", tasks=only, datasets=[{"source": "table", "name": "tweets"}])  # noqa: E501  # fmt: skip
    evaluate(made, "e1")
    return made


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition("<body>")[2]).split())


def test_a_training_is_shown_and_the_same_twice(store: Store) -> None:
    html = render_training(store, "t1")
    assert html == render_training(Store(store.path), "t1")
    page, text = Page(html), text_of(html)
    assert page.open == []
    assert {attrs.get("id") for attrs in page.all("section")} == {
        "figures", "comparisons", "calibration", "confusion", "data", "checks", "settings", "limits"
    }  # fmt: skip
    assert "A network that reads topic, sentiment, scene, reach" in text and "all gates passed" in text
    for row in store.query("SELECT * FROM evaluations WHERE spec_id = 't1' AND subject = 'multi-task'"):
        if row["metric"] in ("macro_f1", "accuracy", "ece", "coverage@threshold", "spearman", "r2"):
            assert f"{row['value']:.2f} {row['low']:.2f} to {row['high']:.2f}" in text, row["metric"]
    for title in ("Ways to fuse picture and text", "Ways to weigh the tasks", "One modality alone", "Leave one dataset out"):  # noqa: E501  # fmt: skip
        assert title in text
    for arm in ("concat", "attention", "uncertainty", "picture only", "text only"):
        assert arm in text
    assert html.count("line ideal") == 3 and html.count("line gap") == html.count("<circle") > 15
    assert html.count("<polyline") == html.count("line gap") + 3 + 3 + 1 + 2  # diagonals, abstention, score, two losses
    assert text.count("of another training") == 0
    assert "topic has 84" in text and "no cluster is in two splits" in text and "there is a label" in text
    sizes = store.query("SELECT split, count(*) AS n FROM splits WHERE spec_id = 't1' GROUP BY split")
    assert all(f"{row['n']:,}" in text for row in sizes)
    assert "Drawn pictures are easier" in text


def test_the_verdict_on_multi_task_is_what_the_differences_say(store: Store) -> None:
    text = text_of(render_training(store, "t1"))
    rows = store.query("SELECT * FROM evaluations WHERE spec_id = 't1' AND subject LIKE 'single-task %' AND metric = 'macro_f1_difference'")  # noqa: E501  # fmt: skip
    (mood,) = [row for row in rows if row["task"] == "sentiment"]
    assert json.loads(mood["detail"])["p_holm"] < 0.05 and mood["value"] < 0
    assert "Learning all tasks together is better for sentiment." in text
    assert "For topic and scene these examples do not tell the two apart." in text
    assert f"{-mood['value']:+.3f} {-mood['high']:+.3f} to {-mood['low']:+.3f}" in text and "&lt; 0.001" in text


def test_an_evaluation_compares_methods_best_first(store: Store) -> None:
    html = render_training(store, "e1")
    text = text_of(html)
    assert Page(html).open == []
    assert "6 ways to read sentiment" in text
    table = html.partition('aria-label="Methods"')[2].partition("</table>")[0]
    names = re.findall(r'<th scope="row">([^<]+)</th>', table)
    values = store.query("SELECT subject, value FROM evaluations WHERE spec_id = 'e1' AND metric = 'macro_f1' ORDER BY value DESC")  # noqa: E501  # fmt: skip
    assert names == [row["subject"] for row in values]
    assert html.count('class="whisk') == 6
    assert "Multi-task" not in text and 'id="data"' not in html
    assert (
        "sentiment: linear probe" in text and "sentiment: vader" in text
    )  # matrices of all, curves of those that have


def test_it_needs_no_network_and_no_script(store: Store) -> None:
    for spec_id in ("t1", "e1"):
        page = Page(render_training(store, spec_id))
        assert page.all("script") == [] and page.all("img") == [] and page.all("iframe") == []
        assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on") or a == "src"]
        assert {attrs.get("href") for attrs in page.all("link")} == {"data:,"}
        assert all((attrs.get("href") or "").startswith("#") for attrs in page.all("a"))
        policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
        assert policy and "default-src 'none'" in policy and "script" not in policy
        assert "url(" not in render_training(store, spec_id)


def test_every_stranger_s_word_is_escaped(tmp_path: Path) -> None:
    store = Store(tmp_path / "w.duckdb")
    store.prepare()
    labels = {EVIL: (EVIL, "b" + EVIL)}
    found = [
        Example(example_id=content_id(i), dataset=EVIL, source_uri="x", text=EVIL, labels=json.dumps({EVIL: labels[EVIL][i % 2]}))  # noqa: E501
        for i in range(40)
    ]  # fmt: skip
    splits = split(found, [str(i) for i in range(40)], SplitRule(), "evil")
    settings("train_prompt_words", store, "evil", name=EVIL, models=EVIL, tasks={EVIL: {"labels": []}}, note=EVIL)
    truth = np.arange(40) % 2
    nothing, there = np.zeros((40, 0), np.float32), np.ones(40, bool)
    rows = Encoded([str(i) for i in range(40)], nothing, nothing, there, there, {EVIL: truth}, ["d"] * 40, [str(i) for i in range(40)])  # noqa: E501  # fmt: skip
    measured = measure({EVIL: answers(truth, 2, 0.8, 1)}, rows, labels, resamples=100)
    evaluations = as_rows(measured, "evil", "multi-task", EVIL) + as_rows(measured, "evil", f"fusion {EVIL}", EVIL)
    store.append({"examples": found, "splits": splits, "evaluations": evaluations,
                  "checks": checks("evil", "splits", (EVIL, "stop", False, EVIL))})  # fmt: skip
    html = render_training(store, "evil")
    page = Page(html)
    assert page.all("script") == [] and page.all("img") == [] and "{{ 7 * 7 }}" in html
    assert html.count("</style>") == 1 and "<script" not in html


def test_a_stopped_training_says_what_stopped_it(tmp_path: Path) -> None:
    """The gate of the training set: there are splits and no figures."""
    store = Store(tmp_path / "w.duckdb")
    store.prepare()
    settings("train_prompt_words", store, "t2")
    found = examples(60)
    splits = split(found, [str(i) for i in range(60)], SplitRule(), "t2")
    leak = "1 of 60 rows, such as sentiment 'positive' by 'label positive' in 20 of 20 texts"
    store.append({"examples": found, "splits": splits, "checks": checks("t2", "splits", ("no text gives its label away", "stop", False, leak))})  # noqa: E501  # fmt: skip
    html = render_training(store, "t2")
    text = text_of(html)
    assert "Nothing was measured: a check stopped it." in text and "stopped by a check" in text
    assert "no text gives its label away: not so, 1 of 60 rows, such as sentiment" in text
    assert 'id="figures"' not in html and 'id="data"' in html


def test_a_model_that_is_worse_is_said_to_stay(tmp_path: Path) -> None:
    store = Store(tmp_path / "w.duckdb")
    store.prepare()
    settings("train_prompt_words", store, "t3")
    train(store, "t3", 300, ("multi-task",))
    store.append({"checks": checks("t3", "promotions", ("the new model is not below the incumbent", "stop", False, "1 of 3 rows"))})  # noqa: E501  # fmt: skip
    text = text_of(render_training(store, "t3"))
    assert "The model in use stays. the new model is not below the incumbent" in text
    assert "Multi-task against single-task" not in text and "A task is measured on" in text


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")
def test_it_fits_phones_and_desks(store: Store, tmp_path: Path) -> None:
    """In a real browser, with all folds open, no page is wider than its window; long labels and words included."""
    wide = (
        render_training(store, "t1")
        .replace("fusion attention", "fusion " + "x" * 90)
        .replace("<details", "<details open")
    )
    (tmp_path / "t1.html").write_text(wide, "utf-8")
    (tmp_path / "e1.html").write_text(render_training(store, "e1"), "utf-8")
    frames = "".join(
        f'<iframe src="{name}.html" style="width:{width}px;height:900px"></iframe>'
        for name in ("t1", "e1") for width in (320, 390, 768, 1280)
    )  # fmt: skip
    script = """addEventListener('load', () => { document.title = [...document.querySelectorAll('iframe')].map(f =>
        f.contentDocument.documentElement.scrollWidth - f.clientWidth).join(' ') })"""
    (tmp_path / "all.html").write_text(f"<title>none</title><script>{script}</script>{frames}", "utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
               "--hide-scrollbars", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
               (tmp_path / "all.html").as_uri()]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout
    found = re.search(r"<title>([-\d ]+)</title>", dom)
    assert found, dom[:300]
    over = [int(width) for width in found[1].split()]
    assert len(over) == 8 and max(over) <= 0, over


def test_what_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(UserError, match="no training or evaluation 'nope'"):
        render_training(store, "nope")


def test_shapes_lie_where_their_numbers_are() -> None:
    row = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 7, "label": "a"}
    made: Forest = forest("t", "macro-F1", [row, {**row, "label": "b", "value": 0.3, "low": None, "high": None}], "b")
    assert (made.low, made.high) == (pytest.approx(0.3), pytest.approx(0.6))
    assert forest("t", "macro-F1", [{**row, "value": 1.0, "low": 0.93, "high": 1.0}]).high == 1, "no share is above 1"
    a, b = made.rows
    assert a.low_x is not None and a.high_x is not None and 0 <= b.x < a.low_x < a.x < a.high_x <= 100 and b.main
    bins = {"bins": [{"confidence": 0.5, "accuracy": 0.5, "n": 4}, {"confidence": 1.0, "accuracy": 0.0, "n": 1}]}
    plot = reliability("t", {"n": 5, "detail": bins}, None)
    (x1, y1, r1, _), (x2, y2, r2, _) = plot.dots
    assert x1 < x2 == 312 and y1 < y2 == 196 and r1 > r2 and y1 == pytest.approx((196 + 20) / 2)
    curve = {"value": 0.1, "low": None, "high": None, "n": 9, "detail": {"curve": [{"coverage": 0.01, "accuracy": 0.0}, {"coverage": 1.0, "accuracy": 0.7}]}}  # noqa: E501  # fmt: skip
    assert abstention("t", curve, None).lines[0].points.endswith("312.0,196.0"), "0.7 is where the axis begins"
    one = heat({"labels": ["a", "b"], "matrix": [[3, 1], [0, 0]], "unanswered": [0, 2]})
    assert one.rows[0] == ("a", 4, ((3, 0.75), (1, 0.25)), 0) and one.rows[1][1] == 2 and one.unanswered


@pytest.mark.parametrize(
    ("value", "low", "high", "p", "words"),
    [
        (0.1, 0.05, 0.2, 0.01, "better"), (-0.1, -0.2, -0.05, 0.01, "worse"), (0.1, 0.01, 0.2, 0.2, "not told apart"),
        (0.1, 0.01, 0.2, None, "better"), (0.0, -0.1, 0.1, None, "not told apart"),
        (0.1, None, None, None, "no interval"),
    ],
)  # fmt: skip
def test_differences_in_words(value: float, low: float | None, high: float | None, p: float | None, words: str) -> None:
    detail = {} if p is None else {"p_holm": p}
    row = {"value": value, "low": low, "high": high, "detail": detail}
    found = verdict_of(row)
    turned = verdict_of(row, turned=True)
    assert found is not None and found.words == words
    opposite = {"better": "worse", "worse": "better"}.get(words, words)
    assert turned is not None and turned.words == opposite and turned.value == -value
