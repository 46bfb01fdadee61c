"""dspy.LM.acall in a pool, its cache off, its retries as they come. Its own engine opens 100 connections unless it is
made by hand with more, which is done here: KIND `default` shows it with 100."""

import asyncio
import warnings

import dspy
from _load import Load, measure, pooled
from dspy.clients.engines.lm15_engine import AsyncLM15Engine, LM15Engine

warnings.filterwarnings("ignore", category=DeprecationWarning)  # of chat messages as dicts, which every peer here gets


def model_for(load: Load) -> dspy.LM:
    told = {"cache": False, "temperature": 0.7, "max_tokens": 400}
    if load.kind == "default":
        return dspy.LM("openai/m", api_base=load.url, api_key="none", **told)
    providers = ("openai", "openai-chat")
    config = dspy.lm15.RouterConfig(
        api_keys=dict.fromkeys(providers, "none"),
        base_urls=dict.fromkeys(providers, load.url),
        max_connections=load.in_flight,
    )
    return dspy.LM("openai/m", engine=LM15Engine(config), async_engine=AsyncLM15Engine(config), **told)


async def call(load: Load) -> int:
    model = model_for(load)

    async def one(number: int) -> str:
        said = (await model.acall(messages=load.messages(number)))[0]
        return said if isinstance(said, str) else said["text"]

    return await pooled(load, one)


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        measure(lambda load: runner.run(call(load)), ("dspy", "litellm"))
