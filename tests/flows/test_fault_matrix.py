"""Every fault of an endpoint, at the writer and at the judge, through the real flows: where its row ends, how the run
ends, and what the same command does the next time. `docs/faults.md` is this table.

All faults that a run survives meet one run of each step: every second call gets the next one, and has one attempt. In
the next run those that are asked again meet the same fault once more, and have two. Faults that stop a run have runs of
their own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.chat import FINAL, RETRYABLE
from components.errors import ProviderStopped
from components.specs import Budget, Campaign, Selection
from flows.generate_posts import generate_posts
from flows.judge_posts import judge_posts
from flows.pipeline import how_it_ended, pipeline
from flows.publish import StepResult
from flows.settings import Settings
from tests.fake_provider import FakeProvider
from tests.fake_provider.faults import BROKEN_ANSWERS, STATUS_FAULTS, WIRE_FAULTS
from tests.steps import Steps, campaign_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STEPS = ("writer", "judge")
STOPS = "stops the run"
ENDS: dict[str, str] = {
    "500": "server_error", "502": "server_error", "503": "server_error", "504": "server_error", "409": "server_error",
    "429": "ok", "408": "timeout", "hang": "timeout", "trickle": "timeout", "reset": "connection", "cut": "connection",
    "invalid_json": "invalid_reply", "html": "invalid_reply", "no_choices": "invalid_reply",
    "error_in_200": "invalid_reply", "empty": "invalid_reply", "null": "invalid_reply", "long": "invalid_reply",
    "endless": "invalid_reply",
    "length": "truncated", "content_filter": "content_filter", "filter_400": "content_filter", "refusal": "refusal",
    "400": "bad_request", "422": "bad_request", "echo_400": "bad_request",
    "401": STOPS, "402": STOPS, "403": STOPS, "404": STOPS, "301": STOPS, "quota": STOPS,
    "parts": "ok", "no_usage": "ok", "echo_key": "ok",
}  # fmt: skip
"""Fault -> the state of its row after one attempt. A 429 is only ever waited for. A reply that repeats the key is a
reply: the writer's is kept without the key, the judge's cannot be read and is repaired."""
SURVIVED = [fault for fault, end in ENDS.items() if end != STOPS]
ASKED_AGAIN = {fault for fault, end in ENDS.items() if end in set(RETRYABLE)}
KEPT = {fault for fault, end in ENDS.items() if end in set(FINAL) - {"ok"}}


def test_no_fault_of_the_fake_provider_is_left_out() -> None:
    assert set(ENDS) == {*STATUS_FAULTS, *BROKEN_ANSWERS, *WIRE_FAULTS}


@dataclass
class Shop:
    """A home with `n` texts up to the step, and the server that stands where the step buys."""

    home: Settings
    server: FakeProvider
    step: str
    folder: Path
    n: int
    budget: Budget = field(default_factory=lambda: Budget(allow_unpriced=True))

    def campaign(self, max_attempts: int = 1) -> Campaign:
        chat = {
            "model": "openai/fake", "endpoint": self.server.url, "max_attempts": max_attempts, "max_concurrency": 1,
            "timeout_s": 1.0,
        }  # fmt: skip
        rows = [
            (f"Boat {k:03d} left the harbour and nobody waved.", f"2026-03-01T09:{k:02d}:00Z") for k in range(self.n)
        ]
        section = "generation" if self.step == "writer" else "judge"
        return campaign_of(self.folder, rows, budget={"allow_unpriced": True}, **{section: chat})

    def prepare(self) -> "Shop":
        steps = Steps(self.home, self.campaign())
        steps.ingest()
        steps.describe()
        steps.build()
        if self.step == "judge":
            steps.write()
        return self

    def buy(self, faults: list[str], max_attempts: int = 1) -> StepResult:
        self.server.faults.extend(faults)
        c = self.campaign(max_attempts)
        common: dict[str, Any] = {"selection": Selection(dataset=c.dataset.name), "budget": self.budget, "run_id": "r"}
        try:
            if self.step == "writer":
                return generate_posts(c.generation, c.prompt, c.features, **common)
            return judge_posts(c.judge, c.generation, c.prompt, c.features, **common)
        finally:
            self.server.faults.clear()

    def states(self) -> dict[int, list[str]]:
        """Number of the text -> the states of the rows that the step made of it; a post's four readings count as one
        where they agree. A row that an error ended stays, beside the one that the next run makes."""
        made = "SELECT p.user, o.error AS state, o.post_id AS row FROM prompts p LEFT JOIN posts o USING (prompt_id)"
        if self.step == "judge":
            made = """SELECT p.user, j.error AS state, j.judgment_id AS row
                FROM prompts p JOIN posts o USING (prompt_id) LEFT JOIN judgments j USING (post_id)"""
        found: dict[int, set[str]] = {k: set() for k in range(self.n)}
        for row in self.home.store().query(made):
            if row["row"]:
                found[number_of(row["user"])].add(row["state"] or "ok")
        return {k: sorted(states) for k, states in found.items()}

    def asked(self) -> list[int]:
        """Which text each request was about, in the order of their arrival."""
        return [number_of(str(body["messages"])) for body in self.server.seen]

    def attempts(self) -> int:
        sql = "SELECT coalesce(sum(attempts), 0) AS n FROM calls WHERE model = 'openai/fake'"
        return int(self.home.prepare().store().query(sql)[0]["n"])


def number_of(text: str) -> int:
    match = re.search(r"Boat (\d{3}) left", text)
    assert match, text
    return int(match[1])


@dataclass
class Seen:
    """What became of the text that met each fault: after the run, and after the same command again."""

    first: dict[str, list[str]]
    then: dict[str, list[str]]
    asked_again: dict[str, int]
    others: set[str]
    unrecorded: int


def matrix(home: Settings, step: str, folder: Path) -> Seen:
    with FakeProvider() as server:
        shop = Shop(home, server, step, folder, 2 * len(SURVIVED)).prepare()
        shop.buy([fault for survived in SURVIVED for fault in ("ok", survived)])
        met = {fault: shop.asked()[2 * at + 1] for at, fault in enumerate(SURVIVED)}
        first, before = shop.states(), len(server.seen)
        shop.buy(
            [fault for survived in SURVIVED if survived in ASKED_AGAIN for fault in (survived, "ok")], max_attempts=2
        )
        then, again = shop.states(), shop.asked()[before:]
        return Seen(
            {fault: first[k] for fault, k in met.items()},
            {fault: then[k] for fault, k in met.items()},
            {fault: again.count(k) for fault, k in met.items()},
            {state for k, states in then.items() if k not in met.values() for state in states or ["lost"]},
            server.stats["requests"] - shop.attempts(),
        )


@pytest.fixture(scope="module")
def seen(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Seen]]:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    found = {}
    for step in STEPS:
        folder = tmp_path_factory.mktemp(step)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("POSTWRIGHT_HOME", str(folder / "home"))
            settings = Settings.from_environment()
            changed = {PREFECT_LOCAL_STORAGE_PATH: settings.results, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
            with temporary_settings(changed):
                found[step] = matrix(settings.prepare(), step, folder)
    yield found


@pytest.mark.parametrize("fault", SURVIVED)
@pytest.mark.parametrize("step", STEPS)
def test_each_fault_ends_as_documented_and_the_next_run_completes_it(
    seen: dict[str, Seen], step: str, fault: str
) -> None:
    end, found = ENDS[fault], seen[step]
    assert found.first[fault] == [end]
    assert found.then[fault] == (sorted([end, "ok"]) if fault in ASKED_AGAIN else [end])
    assert found.asked_again[fault] == (2 if fault in ASKED_AGAIN else 0), "the fault once more, then the answer"


@pytest.mark.parametrize("step", STEPS)
def test_calls_beside_the_faults_lose_nothing_and_every_attempt_is_recorded(seen: dict[str, Seen], step: str) -> None:
    assert (seen[step].others, seen[step].unrecorded) == ({"ok"}, 0)


@pytest.mark.parametrize("fault", [fault for fault, end in ENDS.items() if end == STOPS])
@pytest.mark.parametrize("step", STEPS)
def test_what_stops_a_run_leaves_all_to_the_same_command(home: Settings, tmp_path: Path, step: str, fault: str) -> None:
    with FakeProvider() as server:
        shop = Shop(home, server, step, tmp_path, 3).prepare()
        with pytest.raises(ProviderStopped) as stopped:
            shop.buy(["ok", fault])
        assert stopped.value.exit_code == 5 and how_it_ended(stopped.value)[0] == "provider_stopped"
        assert list(shop.states().values()) == [[]] * 3, "the chunk is still to do"
        assert shop.attempts() == server.stats["requests"] == 2
        shop.buy([])
        assert list(shop.states().values()) == [["ok"]] * 3
        assert server.stats["requests"] == 4, "what was answered before is not bought again"


def test_the_runs_own_state_follows(home: Settings, tmp_path: Path) -> None:
    with FakeProvider() as server:
        shop = Shop(home, server, "judge", tmp_path, 3)
        server.faults.extend(["ok", "401"])
        with pytest.raises(ProviderStopped):
            pipeline(shop.campaign())
        server.faults.extend(["500"])
        assert pipeline(shop.campaign()).state == "done", "a row without an answer is no stop"
        runs = home.store().query("SELECT state FROM runs ORDER BY started_at")
        assert [run["state"] for run in runs] == ["provider_stopped", "done"]
        assert sorted(shop.states().values()) == [["ok"], ["ok"], ["server_error"]]
