"""openai.AsyncOpenAI with its own retries and time-outs. KIND: default (httpx2), or aiohttp (its aiohttp extra)."""

import asyncio

from _load import Load, measure, pooled
from openai import AsyncOpenAI, DefaultAioHttpClient


async def call(load: Load) -> int:
    http = DefaultAioHttpClient() if load.kind == "aiohttp" else None
    async with AsyncOpenAI(api_key="none", base_url=load.url, http_client=http) as client:

        async def one(number: int) -> str:
            return (await client.chat.completions.create(**load.body(number))).choices[0].message.content

        return await pooled(load, one)


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        measure(lambda load: runner.run(call(load)), ("openai", "httpx2", "aiohttp"))
