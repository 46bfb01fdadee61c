"""Rows cross a task's border as they are, without being walked through."""

from prefect.utilities.annotations import quote
from prefect.utilities.engine import resolve_inputs_sync

from flows.caching import whole


def test_rows_arrive_in_a_task_as_they_were_and_unvisited() -> None:
    class Unvisitable(list[int]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            raise AssertionError("Prefect looked into the rows")

    rows = Unvisitable([1, 2])
    assert isinstance(whole(rows), quote)
    assert resolve_inputs_sync({"rows": whole(rows)})["rows"] is rows
