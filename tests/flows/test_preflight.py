"""A dataset's name stands for one place, however its path is written."""

from pathlib import Path

import pytest

from components.errors import UserError
from components.specs import Campaign
from flows.preflight import preflight
from flows.settings import Settings


def campaign_of(path: str) -> Campaign:
    return Campaign.model_validate({"name": "test", "dataset": {"source": "folder", "path": path}})


def test_a_relative_path_is_the_place_it_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("a/pictures", "b/pictures"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "one.jpg").write_bytes(b"not opened here")
    store = Settings(tmp_path / "home").prepare().store()
    store.register(campaign_of(f"{tmp_path}/a/pictures").dataset)
    monkeypatch.chdir(tmp_path)
    preflight(campaign_of("a/pictures"), store)
    with pytest.raises(UserError, match="already has a dataset named 'pictures'"):
        preflight(campaign_of("b/pictures"), store)


def test_who_lists_the_inputs_next_does_not_list_them_twice(tmp_path: Path) -> None:
    store = Settings(tmp_path / "home").prepare().store()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty"):
        preflight(campaign_of(f"{tmp_path}/empty"), store)
    preflight(campaign_of(f"{tmp_path}/empty"), store, list_inputs=False)
    with pytest.raises(UserError, match="gone does not exist"):
        preflight(campaign_of(f"{tmp_path}/gone"), store, list_inputs=False)
