"""A distilabel pipeline of one step that generates texts, its cache off, its retries as they come.

It sends a batch, waits for all of it, and then sends the next: the batch is as large as calls may be in flight. The
pipeline runs in processes of its own; starting them is part of its time, and `calls alone` shows it without.
"""

from _load import Load, measure
from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import ChatGeneration


def run(load: Load) -> int:
    rows = [{"messages": load.messages(number)} for number in range(load.calls)]
    told = {"temperature": 0.7, "max_new_tokens": 400}
    with load.kept() as folder, Pipeline(f"bench-{load.salt}", cache_dir=folder) as pipeline:
        source = LoadDataFromDicts(data=rows, batch_size=load.in_flight)
        model = OpenAILLM(model="m", base_url=load.url, api_key="none", generation_kwargs=told)
        source >> ChatGeneration(llm=model, input_batch_size=load.in_flight, add_raw_output=False)
        table = pipeline.run(use_cache=False)
        return sum(bool(row["generation"]) for row in table["default"]["train"])


if __name__ == "__main__":
    measure(run, ("distilabel", "openai"), forks=True)
