"""The page in a real browser: it fits a phone, its filters work, and nothing is reported on the console."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from components.report import render

CHOOSE = """(name, value) => {
  const field = document.querySelector('.filter form').elements[name];
  field.value = value;
  for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {bubbles: true}));
}"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0",
]  # fmt: skip


class Tab:
    """One page, spoken to by the DevTools protocol; `complaints` are errors on its console."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.number, self.complaints = socket, 0, []

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        await self.socket.send_json({"id": self.number, "method": method, "params": params})
        while True:
            reply = await asyncio.wait_for(self.socket.receive_json(), 90)
            if reply.get("id") == self.number:
                assert "error" not in reply, reply
                return reply["result"]
            if reply.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
                self.complaints.append(json.dumps(reply["params"]))

    async def js(self, expression: str) -> Any:
        reply = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in reply, reply
        return reply["result"].get("value")

    async def open(self, path: Path, width: int) -> None:
        await self.send("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=True)
        await self.send("Page.navigate", url=path.as_uri())
        for _ in range(200):
            if await self.js("document.readyState === 'complete' && location.protocol === 'file:'"):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the page did not load")


@contextlib.asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Tab]:
    process = await asyncio.create_subprocess_exec(
        str(CHROMIUM), *FLAGS, f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port = folder / "DevToolsActivePort"
        for _ in range(600):
            if port.exists() and len(port.read_text().splitlines()) == 2:
                break
            await asyncio.sleep(0.1)
        async with aiohttp.ClientSession() as session:
            address = f"http://127.0.0.1:{port.read_text().splitlines()[0]}/json"
            targets = await (await session.get(address)).json()
            target = next(target for target in targets if target["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                for domain in ("Page", "Runtime", "Log"):
                    await tab.send(f"{domain}.enable")
                yield tab
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def test_filters_work_and_nothing_overflows(home, tmp_path: Path) -> None:
    item = home.item(950, text="A" * 300 + " https://example.org/" + "b" * 300)
    home.post(item, [], "W" * 400 + " #" + "x" * 200, rules=["length 600 > 280"])
    home.run()
    path = tmp_path / "report.html"
    path.write_text(render(home.store, "run-1"), encoding="utf-8")
    visible = "[...document.querySelectorAll('article')].filter(a => a.offsetParent !== null).length"
    async with browser(tmp_path / "profile") as tab:
        for width in (320, 390, 768, 1280):
            await tab.open(path, width)
            await tab.js("document.querySelectorAll('details').forEach(d => { d.open = true; })")
            assert await tab.js("document.documentElement.scrollWidth") <= width
        assert await tab.js(visible) == 10
        cases = (("state", "error", 2), ("scene", "beach", 2), ("text", "ferry LATE", 1), ("low", "11", 0))
        for name, value, n in cases:
            await tab.js(f"({CHOOSE})('{name}', '{value}')")
            assert await tab.js(visible) == n, name
            assert (await tab.js("document.querySelector('output').textContent")) == f"{n} of 10 posts"
            assert await tab.js("document.querySelector('#nothing').offsetParent !== null") == (n == 0)
            await tab.js("document.querySelector('.reset').click(); new Promise(done => setTimeout(done, 60))")
            assert await tab.js(visible) == 10
        await tab.js(f"({CHOOSE})('sort', 'worst')")
        shown = await tab.js("[...document.querySelectorAll('article')].map(a => a.dataset.score).filter(s => s)")
        assert [float(score) for score in shown] == sorted(float(score) for score in shown)
        await tab.js("document.querySelector('.picture button').click()")
        assert await tab.js(
            "document.querySelector('dialog').open && document.querySelector('dialog img').naturalWidth > 0"
        )
        assert tab.complaints == []


async def test_without_javascript_it_is_a_plain_list(home, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(home.store, "run-1"), encoding="utf-8")
    async with browser(tmp_path / "profile") as tab:
        await tab.send("Emulation.setScriptExecutionDisabled", value=True)
        await tab.open(path, 390)
        assert await tab.js("document.querySelector('.filter').hidden")
        assert await tab.js("[...document.querySelectorAll('article')].every(a => a.offsetHeight > 100)")
