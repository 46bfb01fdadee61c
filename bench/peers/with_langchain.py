"""ChatOpenAI.abatch with `max_concurrency`, its cache off, its retries as they come."""

import asyncio

from _load import Load, measure
from langchain_openai import ChatOpenAI


async def call(load: Load) -> int:
    model = ChatOpenAI(model="m", base_url=load.url, api_key="none", temperature=0.7, max_tokens=400)
    prompts = [load.messages(number) for number in range(load.calls)]
    replies = await model.abatch(prompts, config={"max_concurrency": load.in_flight})
    return sum(bool(reply.content) for reply in replies)


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        measure(lambda load: runner.run(call(load)), ("langchain-openai", "langchain-core", "openai"))
