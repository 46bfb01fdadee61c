"""Chromium, driven over its DevTools protocol: no driver to install, nothing to download."""

import asyncio
import base64
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NAMED = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39}
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

    async def open(self, page: Path | str, width: int, height: int = 844) -> None:
        """A file, or an address."""
        await self.size(width, height, mobile=True)
        url = page.as_uri() if isinstance(page, Path) else page
        await self.send("Page.navigate", url=url)
        scheme = url.partition(":")[0]
        await self.until(f"document.readyState === 'complete' && location.protocol === '{scheme}:'")

    async def size(self, width: int, height: int, mobile: bool = False) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile
        )

    async def until(self, expression: str, seconds: float = 20) -> Any:
        """Wait until it is true."""
        for _ in range(int(seconds / 0.05)):
            if found := await self.js(expression):
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"never came true: {expression}")

    async def press(self, *keys: str, ctrl: bool = False) -> None:
        """Real key presses, as a person's; a single character also types."""
        for key in keys:
            code = NAMED.get(key, ord(key.upper()) if len(key) == 1 else 0)
            how = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 2 if ctrl else 0}
            text = {"text": "\r" if key == "Enter" else key} if (len(key) == 1 or key == "Enter") and not ctrl else {}
            await self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **how, **text)
            await self.send("Input.dispatchKeyEvent", type="keyUp", **how)

    async def type(self, text: str) -> None:
        await self.send("Input.insertText", text=text)

    async def picture(self, path: Path) -> None:
        data = (await self.send("Page.captureScreenshot", format="png"))["data"]
        path.write_bytes(base64.b64decode(data))


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
