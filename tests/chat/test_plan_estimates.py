"""What a plan takes from the journal's own history, and what it must not."""

from pathlib import Path

import pytest

from components.chat import Journal, Ledger, estimate, plan
from tests.chat.conftest import PRICES, Shop, request
from tests.fake_provider import FakeProvider


def asked(server: FakeProvider, first: int, count: int, **changed: object) -> list:  # type: ignore[type-arg]
    return [request(number, server.url, **changed) for number in range(first, first + count)]


@pytest.mark.parametrize("seed", range(3))
async def test_the_real_figures_lie_within_15_percent_of_the_plan(shop: Shop, seed: int) -> None:
    """Replies of many lengths, among failures; the middle of the range is held against what was spent."""
    with FakeProvider(seed=seed, fail=0.1) as server:
        prices = shop.prices(server)
        await shop.buy(server, asked(server, 0, 80), ledger=Ledger(100.0, prices=prices))
        new = asked(server, 1000 * (1 + seed), 120)
        planned = estimate([*asked(server, 0, 80), *new], shop.spec(server), shop.journal, prices)
        assert (planned.calls, planned.cached, planned.from_history) == (120, 80, True)
        outcomes = await shop.buy(server, new, ledger=(ledger := Ledger(100.0, prices=prices)))
        assert planned.usd_low is not None and planned.usd_high is not None
        # Failed attempts that were billed are no part of a plan: compare what the answers cost.
        once = [o for o in outcomes if o.attempts == 1]
        real = sum(o.cost_usd or 0.0 for o in once) * len(outcomes) / len(once)
        assert (planned.usd_low + planned.usd_high) / 2 == pytest.approx(real, rel=0.15)
        assert planned.usd_low <= real <= planned.usd_high
        assert ledger.spent_usd >= sum(o.cost_usd or 0.0 for o in once)


async def test_history_is_of_the_same_model_stage_server_and_settings(shop: Shop) -> None:
    with FakeProvider() as server, FakeProvider() as other:
        prices = shop.folder / "prices.yaml"
        entries = [PRICES.format(url=server.url), PRICES.format(url=other.url).partition("models:\n")[2]]
        prices.write_text("".join(entries))
        await shop.buy(server, asked(server, 0, 30), ledger=Ledger(100.0, prices=prices))

        def planned(at: FakeProvider, **changed: object) -> bool:
            return estimate(asked(at, 500, 5, **changed), shop.spec(at), shop.journal, prices).from_history

        assert planned(server)
        assert not planned(other), "the same name at another server"
        assert not planned(server, max_output_tokens=500)
        assert not planned(server, stage="judging")


async def test_a_plan_for_a_batch_has_batch_prices(shop: Shop) -> None:
    with FakeProvider() as server:
        prices = shop.prices(server)
        live = estimate(asked(server, 0, 5), shop.spec(server), shop.journal, prices)
        prices.write_text(PRICES.format(url=server.url).replace("4000.0", "4000.0, batch: 0.5"))
        batch = estimate(asked(server, 0, 5), shop.spec(server, mode="batch"), shop.journal, prices)
        assert live.usd_high is not None and batch.usd_high == pytest.approx(live.usd_high / 2)
        assert batch.usd_low == pytest.approx((live.usd_low or 0) / 2)


async def test_prompts_that_the_provider_caches_are_planned_at_their_price(shop: Shop, tmp_path: Path) -> None:
    """Three quarters of each prompt were cached at a tenth of the price: so it will be."""
    with FakeProvider() as server:
        prices = shop.prices(server)
        prices.write_text(PRICES.format(url=server.url).replace("output:", "cached_input: 100.0, output:"))
        await shop.buy(server, asked(server, 0, 20), ledger=Ledger(100.0, prices=prices))
        cached = Journal(tmp_path / "cached")
        for row in shop.records():
            cached.append(row | {"cached_tokens": row["input_tokens"] * 3 // 4})
        plain, less = (estimate(asked(server, 50, 9), shop.spec(server), j, prices) for j in (shop.journal, cached))
        assert plain.usd_low is not None and less.usd_low is not None
        saved = 0.75 * plain.input_tokens * (1000.0 - 100.0) / 1e6
        assert plain.usd_low - less.usd_low == pytest.approx(saved, rel=0.05)


async def test_a_plan_reads_only_the_newest_records(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider() as server:
        prices = shop.prices(server)
        await shop.buy(server, asked(server, 0, 20), ledger=Ledger(100.0, prices=prices))
        await shop.buy(server, asked(server, 100, 20, stage="judging"), ledger=Ledger(100.0, prices=prices))
        monkeypatch.setattr(plan, "LOOKED_AT", 15)
        found = estimate(asked(server, 500, 5), shop.spec(server), shop.journal, prices)
        assert not found.from_history, "they lie too far back"
