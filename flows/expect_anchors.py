"""For a plan: what judges would be asked about anchors, and a buyer that only writes down what it is asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from components.audit.anchors import period_of, read_anchors
from components.audit.material import load_material
from components.chat import ChatOutcome, ChatRequest, Status
from components.judgments.asking import Buy
from components.specs import AnchorSpec, ChatSpec, JudgeSpec


def written_down(work: Callable[[Buy], Awaitable[object]]) -> list[ChatRequest]:
    """What `work` would buy with the function that it is given; every answer is a failure for good."""
    asked: list[ChatRequest] = []

    async def write_down(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        asked.extend(requests)
        return [ChatOutcome(key=request.key, status=Status.bad_request, detail="planned") for request in requests]

    async def main() -> None:
        await work(write_down)

    asyncio.run(main())
    return asked


def anchor_stages(
    anchors: AnchorSpec | None, judges: Sequence[JudgeSpec]
) -> list[tuple[str, ChatSpec, Sequence[ChatRequest]]]:
    """In the period that a run now would fall into; what this period has already is in the journal."""
    if anchors is None:
        return []
    now, material, found = (
        datetime.now(UTC),
        load_material(anchors.posts),
        list[tuple[str, ChatSpec, Sequence[ChatRequest]]](),
    )
    period = period_of(now, anchors.every)
    for judge in judges:

        def work(buy: Buy, judge: JudgeSpec = judge) -> Awaitable[object]:
            return read_anchors(material, anchors, judge, buy, period=period, run_id="", now=now)

        found.append(("anchors", judge.model_copy(update={"mode": "live"}), written_down(work)))
    return found
