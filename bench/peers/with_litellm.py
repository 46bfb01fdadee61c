"""litellm.acompletion in a pool, its cache off, its retries as they come. KIND: empty, or `disk` for its disk cache."""

import asyncio

import litellm
from _load import Load, measure, pooled


async def call(load: Load) -> int:
    async def one(number: int) -> str:
        reply = await litellm.acompletion(
            model="openai/m",
            api_base=load.url,
            api_key="none",
            messages=load.messages(number),
            temperature=0.7,
            max_tokens=400,
        )
        return reply.choices[0].message.content

    return await pooled(load, one)


if __name__ == "__main__":
    litellm.suppress_debug_info = True
    with asyncio.Runner() as runner:
        measure(lambda load: runner.run(call(load)), ("litellm", "openai", "aiohttp"))
