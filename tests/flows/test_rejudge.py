"""Judging again what stands in the warehouse: by another judge, window by window, once, and what it tells."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.chat import prices
from components.errors import BudgetExceeded, UserError
from components.specs import Campaign
from flows import buying
from flows.plan_rejudging import plan_rejudging
from flows.rejudge_posts import rejudge_posts
from flows.settings import Settings
from tests.fake_provider import FakeProvider
from tests.steps import Steps, campaign_of

pytestmark = [pytest.mark.slow]
TABLES = ("items", "features", "prompts", "posts", "runs", "quarantine")
FIRST, SECOND, END = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 4, 8))
"""Three texts were published from the first to the third, three from the fourth to the sixth."""


def stricter(body: dict[str, Any]) -> str:
    """A judge who gives 3, and 5 from the fourth of March on: those texts are of the choir, the dog and the snow."""
    late = re.search("choir|station|dog|snow|pass", body["messages"][1]["content"].partition("<other_post>")[0])
    names = body["response_format"]["json_schema"]["schema"]["properties"]
    return json.dumps({name: {"reasoning": "As planted.", "score": 5 if late else 3} for name in names})


@pytest.fixture
def campaign(home: Settings, tmp_path: Path) -> Callable[[FakeProvider], Campaign]:
    """Six texts, written by two writers and judged offline; `judge` is now the fake provider's."""

    def made(server: FakeProvider) -> Campaign:
        for temperature in (0.1, 0.9):
            steps = Steps(home, campaign_of(tmp_path, generation={"temperature": temperature, "seed": 1}))
            steps.store.register(steps.c.judge)
            steps.all()
        chat = {"model": "openai/strict", "endpoint": server.url, "max_concurrency": 2}
        return campaign_of(tmp_path, judge=chat, budget={"allow_unpriced": True})

    return made


def counts(home: Settings) -> list[dict[str, Any]]:
    sql = " UNION ALL ".join(f"SELECT '{table}' AS name, count(*) AS n FROM {table}" for table in TABLES)
    return home.store().query(sql + " ORDER BY name")


def test_posts_of_older_writers_are_judged_again_once_and_both_readings_stay(
    home: Settings, campaign: Callable[[FakeProvider], Campaign]
) -> None:
    with FakeProvider(reply=stricter) as server:
        mine = campaign(server)
        before, old = counts(home), home.store().query("SELECT * FROM judgments ORDER BY judgment_id")
        plan = plan_rejudging(mine, home, (FIRST, END), "day")
        assert [(step.todo, step.there) for step in plan.steps] == [(2, 0)] * 6 and plan.stages[0].calls == 12
        assert server.stats["requests"] == 0, "a plan buys nothing"
        first = rejudge_posts(mine, FIRST, SECOND, "day", 2)
        assert [(one.posts, one.result.rows) for one in first.windows] == [(2, 8)] * 3
        assert server.stats["requests"] == server.stats["distinct"] == 6
        rest = rejudge_posts(mine, FIRST, END, "week", 1, compare_from=None)
        assert server.stats["requests"] == server.stats["distinct"] == 12, "what was read is not bought again"
        again = rejudge_posts(mine, FIRST, SECOND, "day", 1, "offline/judge", SECOND, END)
        assert server.stats["requests"] == 12 and sum(one.result.bought for one in again.windows) == 0
    assert counts(home) == before, "nothing but judgments is written"
    kept = home.store().query("SELECT * FROM judgments ORDER BY judgment_id")
    assert [row for row in kept if row["spec_id"] != mine.judge.id] == old and len(kept) == len(old) + 12 * 4
    assert first.shift is not None and again.shift is not None and rest.shift is not None
    assert (first.old, first.new) == ("offline/judge (mpwl)", "openai/strict (mpwl)")
    assert first.shift.posts == 6 and {(one.n, one.new) for one in first.shift.aspects} == {(3, 3.0)}
    assert rest.shift.posts == 12 and {one.new for one in rest.shift.aspects} == {4.0}
    assert again.shift == first.shift, "told again from the warehouse alone"
    for told, one in zip(again.changes or [], again.shift.aspects, strict=True):
        assert told.one_judge.value == 2.0, "by one judge the later texts are better by two"
        assert told.judges.value == pytest.approx(one.difference)
        assert told.raw.value == pytest.approx(5 - (one.old or 0))
    assert again.cost_usd == 0 and first.cost_usd is None, "a price nobody knows is not 0"


def test_a_spent_budget_stops_it_and_a_raised_one_goes_on(
    home: Settings, campaign: Callable[[FakeProvider], Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider(reply=stricter) as server:
        _, listed = prices._load(prices.FILE)
        monkeypatch.setitem(listed, f"openai/strict@{server.url}", {"input": 0.0, "output": 1000.0})
        mine = campaign(server)
        reserved = mine.judge.max_output_tokens / 1000
        tight = mine.model_copy(update={"budget": mine.budget.model_copy(update={"usd": reserved + 0.2})})
        with pytest.raises(BudgetExceeded, match="1 of 1 windows stopped"):
            rejudge_posts(tight, FIRST, END)
        bought = server.stats["requests"]
        assert 1 <= bought < 12
        monkeypatch.setattr(buying, "_ledgers", {})  # as the next command: it knows of money what the journal says
        with pytest.raises(BudgetExceeded):
            rejudge_posts(tight, FIRST, END)
        assert server.stats["requests"] <= bought + 1, "the purse is the same one"
        raised = mine.model_copy(update={"budget": mine.budget.model_copy(update={"usd": 50.0})})
        found = rejudge_posts(raised, FIRST, END)
        assert server.stats["requests"] == server.stats["distinct"] == 12
        spent = home.store().query("SELECT sum(cost_usd) AS usd FROM calls WHERE model = 'openai/strict'")[0]["usd"]
        assert found.cost_usd is not None and 0 < found.cost_usd < spent


def test_a_wrong_question_costs_nothing(home: Settings, campaign: Callable[[FakeProvider], Campaign]) -> None:
    with FakeProvider() as server:
        mine = campaign(server)
        writer = mine.judge.model_copy(update={"model": "offline/writer", "endpoint": None})
        own = mine.model_copy(update={"judge": writer})
        for asked, told in (
            ((mine, END, FIRST), "the window is empty"),
            ((mine, END, datetime(2026, 5, 1, tzinfo=UTC)), "no post of dataset 'texts' published 2026-03-08"),
            ((mine, FIRST, SECOND, "day", 1, "", FIRST, END), "overlaps"),
            ((mine, FIRST, SECOND, "day", 1, "", END, None), "go together"),
            ((mine, FIRST, END, "day", 1, "openai/none"), "against: 'openai/none' has read none of these posts"),
            ((own, FIRST, END), "judge.model: offline/writer would judge what offline/writer wrote"),
        ):
            with pytest.raises(UserError, match=told):
                rejudge_posts(*asked)
        assert server.stats["requests"] == 0
