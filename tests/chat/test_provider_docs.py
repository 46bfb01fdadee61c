"""docs/providers.md and docs/faults.md cannot go stale: snippets are campaigns, tests exist, rows agree."""

import re
from pathlib import Path

import pytest
import yaml

from components.chat import FINAL, RETRYABLE, STOPPING, check
from components.chat.providers import is_loopback
from components.specs import Campaign

ROOT = Path(__file__).parents[2]
PROVIDERS = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
FAULTS, OF_BATCHES = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").split("## In a batch")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PROVIDERS, re.MULTILINE | re.DOTALL))


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("name", SECTIONS)
def test_each_snippet_is_a_campaign_that_could_be_bought(name: str, tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```yaml\n(.*?)```", SECTIONS[name], re.DOTALL)
    dataset = {"source": "folder", "path": tmp_path}
    campaign = Campaign.model_validate({"name": "x", "dataset": dataset, **yaml.safe_load(snippet)})
    spec = campaign.generation
    assert spec.model.startswith("openai/")
    check(spec, None if spec.endpoint and is_loopback(spec.endpoint) else "sk-0123456789", allow_unpriced=True)


def test_the_table_names_each_part_and_its_snippet_s_key_and_address() -> None:
    head, *table = rows(PROVIDERS)
    assert [re.match(r"\[.+\]\(#(.+)\)", row[0])[1] for row in table] == [
        name.lower().replace(" ", "-") for name in SECTIONS
    ]  # type: ignore[index]
    for row, text in zip(table, SECTIONS.values(), strict=True):
        assert len(row) == len(head)
        if key := re.search(r"api_key_env: (\w+)", text):
            assert key[1] in row[2] or "virtual key" in row[2]
        if found := re.search(r'endpoint: "?(http\S+?/v1)', text):
            assert re.sub("my-resource", "RESOURCE", found[1]) in row[1]


def test_what_is_said_to_run_here_does() -> None:
    run = [row[0] for row in rows(PROVIDERS) if "**yes**" in row[-1]]
    assert len(run) == 2
    for name in run:
        module = "test_" + re.sub(r"\W+", "_", re.match(r"\[(.+?)\]", name)[1].lower()) + ".py"  # type: ignore[index]
        assert (ROOT / "tests" / "servers" / module).exists(), module
    assert re.search(r"^servers:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    pins = (ROOT / "tests" / "servers" / "litellm-proxy.txt").read_text()
    assert re.search(r"^litellm==(\d+\.\d+)", pins, re.MULTILINE)[1] in PROVIDERS  # type: ignore[index]


def test_the_table_of_faults_is_what_the_tests_hold_the_flows_to() -> None:
    from tests.flows.test_fault_matrix import ENDS, STOPS

    told = {fault.strip("`"): end.strip("`") for names, end, *_ in rows(FAULTS)[1:] for fault in names.split(", ")}
    assert told == ENDS
    for _, end, _, following in rows(FAULTS)[1:]:
        state = end.strip("`")
        again = "asked again" in following
        assert again == (state == STOPS or state in RETRYABLE) and STOPPING
        assert again != (state in FINAL)


def test_the_table_of_batches_agrees_with_what_is_asked_again() -> None:
    head, *table = rows(OF_BATCHES)
    assert head == rows(FAULTS)[0] and table
    for _, end, _, following in table:
        state = end.strip("`")
        assert state == "stops the run" or state in RETRYABLE or state in FINAL
        assert ("asked again" in following) == (state == "stops the run" or state in RETRYABLE)
