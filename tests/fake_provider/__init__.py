"""A server of chat completions and responses for tests, demos and benchmarks: slow, limited or broken on request.

In a test:

    with FakeProvider(latency=0.05, faults=["503", "ok"]) as server:
        ... endpoint: server.url ...
        assert server.stats["requests"] == 2

From a shell: `python -m tests.fake_provider --port 8000 --latency 0.2 --fail 0.05`; GET /stats tells what it saw,
POST /limits changes its limits.

Faults are given as a script (one per request, then "ok"), or as a share of requests drawn at random. Without a fault it
writes a plausible post, or, asked for JSON, an instance of the schema. It needs no key unless it is given one.
"""

from tests.fake_provider.faults import PASSING
from tests.fake_provider.server import FakeProvider, http_date

__all__ = ["PASSING", "FakeProvider", "http_date"]
