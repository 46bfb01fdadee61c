"""prefect.yaml, and the forms that the UI makes of what it deploys; the pools that docs/deploying.md offers."""

import importlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from components.errors import UserError
from flows.prefect_file import ROOT, declared, fingerprint

FILE = ROOT / "prefect.yaml"
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["deployments"]


def schema_of(deployment: dict[str, Any]) -> dict[str, Any]:
    from prefect.utilities.callables import parameter_schema

    file, name = deployment["entrypoint"].split(":")
    flow = getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), name)
    return dict(parameter_schema(flow).model_dump())


def unexplained(deployment: dict[str, Any]) -> Iterator[str]:
    """What a form would show without saying what it is. Prefect titles a parameter by its name, so that its
    description alone can tell; a field has both. What says the same as the spec it refers to is left out."""
    schema = schema_of(deployment)

    def told(field: dict[str, Any], part: str) -> Any:
        spec = schema["definitions"].get(field.get("$ref", "").rpartition("/")[2], {})
        return field.get(part) or spec.get(part)

    for name, field in schema["properties"].items():
        if not told(field, "description"):
            yield f"{name}: no description (Args: of the flow's docstring)"
    for spec, definition in schema["definitions"].items():
        for name, field in definition.get("properties", {}).items():
            if missing := [part for part in ("title", "description") if not told(field, part)]:
                yield f"{spec}.{name}: no {' and no '.join(missing)}"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_every_field_of_a_form_says_what_it_is(deployment: dict[str, Any]) -> None:
    assert list(unexplained(deployment)) == []


def test_no_two_runs_of_a_deployment_overlap_and_schedules_name_their_time_zone() -> None:
    for deployment in DEPLOYMENTS:
        assert deployment["concurrency_limit"]["limit"] == 1, deployment["name"]
        schedules = deployment.get("schedules", [])
        strategy = "CANCEL_NEW" if schedules else "ENQUEUE"
        assert deployment["concurrency_limit"]["collision_strategy"] == strategy, deployment["name"]
        assert all({"cron", "timezone", "slug"} <= set(schedule) for schedule in schedules)


async def test_seven_in_the_morning_is_seven_in_summer_and_in_winter() -> None:
    from prefect.server.schemas.schedules import CronSchedule

    (morning,) = DEPLOYMENTS[0]["schedules"]
    schedule = CronSchedule(cron=morning["cron"], timezone=morning["timezone"])
    for change in (datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)):
        times = await schedule.get_dates(n=5, start=change)
        local = [time.astimezone(ZoneInfo("Europe/Berlin")) for time in times]
        assert [time.hour for time in local] == [7] * 5 and len({time.date() for time in local}) == 5
        assert len({time.astimezone(UTC).hour for time in local}) == 2, "the clocks were changed in between"


def test_a_file_that_cannot_be_deployed_is_told_before_anything_starts(tmp_path: Path) -> None:
    assert declared(FILE) == [deployment["name"] for deployment in DEPLOYMENTS]
    file = tmp_path / "prefect.yaml"
    for text, said in (
        ("deployments: [{name: x", "no deployments in it"),
        ("name: x\n", "no deployments in it"),
        (
            'deployments: [{name: x, env: {KEY: "{{ prefect.blocks.secret.openai }}"}}]',
            "deploying would write it down in plain; take it out, then: postwright up --secret ENV=openai",
        ),
    ):
        file.write_text(text)
        with pytest.raises(UserError, match=re.escape(said)):
            declared(file)
    with pytest.raises(UserError, match=r"gone.yaml: No such file"):
        declared(tmp_path / "gone.yaml")
    file.write_text("deployments: []\n")
    assert fingerprint(file) == fingerprint(file) != fingerprint(FILE)


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_the_pools_of_the_documentation_are_whole(kind: str) -> None:
    """Every placeholder is a variable, every variable that is required has a value, and no key stands in them."""
    template = json.loads((ROOT / f"docs/pools/{kind}.json").read_text())
    placeholders = set(re.findall(r"\{\{ *(\w+) *\}\}", json.dumps(template["job_configuration"])))
    properties = template["variables"]["properties"]
    assert placeholders <= set(properties)
    assert all("default" in properties[name] for name in template["variables"].get("required", []))
    env = properties["env"]["default"]
    assert env["POSTWRIGHT_HOME"] == "/srv/postwright" and env["POSTWRIGHT_ROOT"] == "/opt/postwright"
    mounts = json.dumps([properties.get("volumes", {}).get("default"), template["job_configuration"]])
    assert env["POSTWRIGHT_HOME"] in mounts, "the home is on a volume"
