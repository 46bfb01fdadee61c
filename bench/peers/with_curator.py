"""curator.LLM over a list of prompts: its files of requests and responses are on (they are how it works), its retries
as they come."""

import importlib.util
import os
from functools import cache
from pathlib import Path
from typing import Any

from _load import Load, measure

# It counts tokens with a table that tiktoken would download; litellm, which it needs anyway, ships the file.
TABLES = Path(importlib.util.find_spec("litellm").submodule_search_locations[0]) / "litellm_core_utils" / "tokenizers"
os.environ |= {"OPENAI_API_KEY": "none", "TIKTOKEN_CACHE_DIR": str(TABLES)}

from bespokelabs import curator  # noqa: E402 - it reads the environment when it is imported


@cache
def model_at(url: str, in_flight: int, rpm: int | None) -> Any:
    """Made once, as it asks the server for its limits with a call of its own."""
    told = {"base_url": url, "max_concurrent_requests": in_flight, "max_tokens_per_minute": 100_000_000_000}
    if rpm is not None:
        told["max_requests_per_minute"] = rpm
    sampling = {"temperature": 0.7, "max_tokens": 400}
    return curator.LLM(model_name="m", backend="openai", backend_params=told, generation_params=sampling)


def run(load: Load) -> int:
    model = model_at(load.url, load.in_flight, load.rpm)
    with load.kept() as folder:
        replies = model([load.messages(number) for number in range(load.calls)], working_dir=str(folder))
        return sum(bool(row["response"]) for row in replies.dataset)


if __name__ == "__main__":
    measure(run, ("bespokelabs-curator", "litellm", "aiohttp"))
