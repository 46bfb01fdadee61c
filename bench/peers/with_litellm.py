"""litellm in a pool, its retries as they come. KIND: empty (acompletion, no cache), `disk` (its cache on disk, which a
second start goes on from), or `router` (its Router, which can be told a limit of requests per minute)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import litellm
from _load import Load, measure, pooled


def caller(load: Load) -> Callable[..., Awaitable[Any]]:
    server = {"model": "openai/m", "api_base": load.url, "api_key": "none"}
    if load.kind == "router":
        told = server | ({"rpm": load.rpm} if load.rpm else {})
        router = litellm.Router(model_list=[{"model_name": "m", "litellm_params": told}])
        return lambda **what: router.acompletion(model="m", **what)
    return lambda **what: litellm.acompletion(**server, **what)


async def call(load: Load) -> int:
    ask = caller(load)

    async def one(number: int) -> str:
        reply = await ask(messages=load.messages(number), temperature=0.7, max_tokens=400)
        return reply.choices[0].message.content

    return await pooled(load, one)


def run(load: Load) -> int:
    with load.kept() as folder:
        if load.kind == "disk":
            litellm.cache = litellm.Cache(type="disk", disk_cache_dir=str(folder))
        return runner.run(call(load))


if __name__ == "__main__":
    litellm.suppress_debug_info = True
    with asyncio.Runner() as runner:
        measure(run, ("litellm", "openai", "aiohttp"))
