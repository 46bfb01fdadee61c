"""The views of spend add up to the ledger, say what is unknown, and are shown within 80 columns."""

import io
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from components.chat.spend_views import GROUPS
from components.specs import Campaign
from components.specs.campaign_file import load_campaign
from flows.settings import Settings
from flows.show_spend import BY, read_spend, show_spend
from tests.chat.purses import die, open_ledger, take

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """300 calls of all kinds over two months, and one death with money in flight."""
    settings = Settings(tmp_path / "home").prepare()
    dice, ledger = random.Random(5), open_ledger(settings.home, 1e6)
    till = ledger._till
    assert till is not None
    for number in range(300):
        unpriced = dice.random() < 0.1
        till.journal.append(
            {
                "call_key": f"{number:032x}",
                "status": dice.choice(["ok", "ok", "timeout", "truncated"]),
                "model": dice.choice(["openai/gpt-4o-mini", "openai/gpt-5.6-luna"]),
                "stage": dice.choice(["writing", "judging"]),
                "mode": dice.choice(["live", "batch", None]),
                "spec_id": dice.choice(["s1", "s2", None]),
                "run_id": dice.choice(["r1", "r2"]),
                "attempts": dice.randint(1, 3),
                "input_tokens": dice.choice([None, dice.randint(10, 9000)]),
                "output_tokens": dice.randint(1, 300),
                "cached_tokens": 7,
                "reasoning_tokens": 3,
                "cost_usd": None if unpriced else dice.random() * 1e-3,
                "held_usd": dice.choice([0.0, 0.0, dice.random() * 1e-3]),
                "created_at": (NOW - timedelta(days=dice.randint(0, 40))).isoformat(),
            }
        )
    assert take(ledger, 0.25)
    die(ledger)
    open_ledger(settings.home, 1e6).close()
    settings.store().prepare()
    return settings


@pytest.mark.parametrize("by", GROUPS)
def test_the_sums_of_every_view_are_the_ledgers(home: Settings, by: str) -> None:
    store = home.store()
    [sums] = store.query(
        f"""SELECT sum(cost_usd) AS cost, sum(held_usd) AS held, sum(calls) AS calls, sum(unpriced_calls) AS unpriced,
            sum(attempts) AS attempts, sum(reasoning_tokens) AS reasoning FROM spend_by_{by}"""
    )
    records = list(open_ledger(home.home, 1e6)._till.journal.records())  # type: ignore[union-attr]
    assert sums["cost"] == pytest.approx(sum(r["cost_usd"] or 0.0 for r in records), abs=1e-9)
    assert sums["held"] == pytest.approx(sum(r["held_usd"] or 0.0 for r in records), abs=1e-9)
    assert sums["calls"] == 300 and sums["unpriced"] == sum(r["cost_usd"] is None for r in records) > 10
    assert sums["attempts"] == sum(r["attempts"] for r in records) and sums["reasoning"] == 900
    ledgers = [open_ledger(home.home, 1e6, name=run) for run in ("r1", "r2", "run")]
    whole = sum(ledger.spent_usd + ledger.held_usd for ledger in ledgers)
    assert sums["cost"] + sums["held"] == pytest.approx(whole, abs=1e-9)
    assert {row["mode"] for row in store.query("SELECT mode FROM spend_by_model")} == {"live", "batch"}


def test_what_has_no_price_is_null_and_never_nothing(home: Settings) -> None:
    home.calls.joinpath("more.jsonl").write_text(
        '{"call_key":"ab","status":"ok","model":"openai/mystery","stage":"x","run_id":"r9","cost_usd":null,"attempts":1}\n'
    )
    store = home.store()
    store.prepare()
    [row] = store.query("SELECT * FROM spend_by_model WHERE model = 'openai/mystery'")
    assert (row["cost_usd"], row["unpriced_calls"], row["held_usd"]) == (None, 1, 0.0)


@pytest.mark.parametrize("by", BY)
def test_spend_is_shown_within_80_columns(home: Settings, by: str) -> None:
    campaign = Campaign.model_validate(
        {"name": "c", "dataset": {"source": "folder", "path": "x"}, "budget": {"usd_per_month": 5.0}}
    )
    found = read_spend(home.store(), by, campaign, NOW)
    out = io.StringIO()
    show_spend(found, Console(file=out, width=80, highlight=False))
    said = out.getvalue()
    assert all(len(line) <= 80 for line in said.splitlines()), said
    assert "300 calls" in said and "more may have been billed" in said and "have no known price" in said
    assert "2026-11 (UTC), spent and held: $0." in said and "of $5.00; $4." in said
    assert "▒" in said and ("█" in said or by == "day")
    if by == "stage":
        assert "in flight at a kill" in said


def test_an_empty_home_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from flows.cli import main

    Settings(tmp_path / "home").prepare()
    assert main(["spend", "--home", str(tmp_path / "home"), "--by", "month"]) == 0
    assert "nothing was bought" in capsys.readouterr().out
    assert main(["spend", "--home", str(tmp_path / "none")]) == 2


def test_campaigns_may_name_a_cap_of_the_month(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("name: c\ndataset: {source: folder, path: .}\nbudget: {usd: 1, usd_per_month: 20}\n")
    assert load_campaign(file, []).budget.usd_per_month == 20
