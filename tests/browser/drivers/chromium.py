"""Chromium, driven by its DevTools protocol."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from tests.browser.drivers.base import Browser, DriverError, Page, ScriptError
from tests.browser.drivers.connection import COMMAND_TIMEOUT, Connection, Event

FLAGS = (
    "--headless",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--no-first-run",
    "--hide-scrollbars",
    # A container's /dev/shm is often too small for it.
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    # Pages in the background are to run like those in front.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    # Nothing leaves the machine.
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)

# name: (code, Windows virtual key code, text)
KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Tab": ("Tab", 9, ""),
    "Escape": ("Escape", 27, ""),
    "Backspace": ("Backspace", 8, ""),
    "Delete": ("Delete", 46, ""),
    "Home": ("Home", 36, ""),
    "End": ("End", 35, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
    " ": ("Space", 32, " "),
}
SHIFT = 8


class Chromium(Browser):
    """Debian's Chromium, headless, on loopback only."""

    name = "chromium"
    program = "chromium"
    package = "chromium"

    def _launch(self) -> Connection:
        # Its sandbox does not work for root, which is whom containers run as.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        profile = f"--user-data-dir={self._process.profile}"
        self._process.start([self._path, *FLAGS, *sandbox, profile, "about:blank"])
        port, path = self._port_file("DevToolsActivePort").split()
        return self._connect(f"ws://127.0.0.1:{port}{path}")

    def _quit(self) -> None:
        self.call("Browser.close")

    def _new_context(self) -> str:
        context: str = self.call("Target.createBrowserContext")["browserContextId"]
        return context

    def _remove_context(self, context: str) -> None:
        self.call("Target.disposeBrowserContext", browserContextId=context)

    def _new_page(self, context: str) -> Page:
        created = self.call(
            "Target.createTarget", url="about:blank", browserContextId=context, newWindow=True
        )
        target = created["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = ChromiumPage(self._connection, session)
        self._pages[session] = page
        page.enable()
        return page

    def _on_event(self, event: Event) -> None:
        method, parameters = event["method"], event["params"]
        closed = method == "Target.detachedFromTarget"
        page = self._pages.get(parameters["sessionId"] if closed else event.get("sessionId", ""))
        if isinstance(page, ChromiumPage):
            page.on_event(method, parameters)


class ChromiumPage(Page):
    """A page, known by the session that is attached to it."""

    def __init__(self, connection: Connection, session: str) -> None:
        super().__init__()
        self._connection = connection
        self._session = session
        self._loaded: set[str] = set()
        self._closed = False

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a DevTools command to this page and return its result."""
        return self._connection.call(method, parameters, sessionId=self._session)

    def enable(self) -> None:
        """Ask for the events that the page's methods rely on."""
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        # Every page takes keys as if its window were the active one.
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def open(self, url: str) -> None:
        answer = self.call("Page.navigate", url=url)
        if answer.get("errorText"):
            raise DriverError(f"{url}: {answer['errorText']}")
        loader = answer.get("loaderId")
        if loader is not None:
            self._connection.read_until(lambda: loader in self._loaded, COMMAND_TIMEOUT, f"loading {url}")

    def evaluate(self, expression: str) -> Any:
        answer = self.call(
            "Runtime.evaluate", expression=f"({expression}\n)", returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise ScriptError(exception_text(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def add_init_script(self, script: str) -> None:
        self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def set_viewport(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def emulate_dark(self, *, dark: bool = True) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def press(self, key: str, *, shift: bool = False) -> None:
        event = {"key": key, "modifiers": SHIFT if shift else 0}
        text = key
        if key in KEYS:
            event["code"], event["windowsVirtualKeyCode"], text = KEYS[key]
        if text:
            self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
        else:
            self.call("Input.dispatchKeyEvent", type="rawKeyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def close(self) -> None:
        self.call("Page.close")
        self._connection.read_until(lambda: self._closed, COMMAND_TIMEOUT, "closing a page")

    def on_event(self, method: str, parameters: dict[str, Any]) -> None:
        """Note an event of this page."""
        if method == "Page.lifecycleEvent" and parameters["name"] == "load":
            self._loaded.add(parameters["loaderId"])
        elif method == "Runtime.exceptionThrown":
            self._errors.append(exception_text(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "assert"):
            self._errors.append(" ".join(map(argument_text, parameters["args"])))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self._errors.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}".strip())
        elif method == "Target.detachedFromTarget":
            self._closed = True

    def _click_at(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def exception_text(details: dict[str, Any]) -> str:
    exception = details.get("exception", {})
    return str(exception.get("description") or exception.get("value") or details["text"])


def argument_text(argument: dict[str, Any]) -> str:
    return str(argument.get("value", argument.get("description", argument["type"])))
