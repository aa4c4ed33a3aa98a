"""Firefox, driven by WebDriver BiDi on its own debugging socket; no geckodriver is needed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tests.browser.drivers.base import Browser, Page, ScriptError
from tests.browser.drivers.connection import Connection, Event

Preference = bool | int | str

LOOPBACK_ONLY: dict[str, Preference] = {
    # Look-ups end here; everything else only spares the attempt.
    "network.dns.disabled": True,
    "network.proxy.type": 0,
    "network.trr.mode": 5,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.normandy.enabled": False,
    "app.shield.optoutstudies.enabled": False,
    "app.update.auto": False,
    "app.update.enabled": False,
    "browser.region.network.url": "",
    "browser.region.update.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.search.update": False,
    "browser.topsites.contile.enabled": False,
    "browser.newtabpage.activity-stream.feeds.system.topstories": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "dom.push.serverURL": "",
    "extensions.blocklist.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-manager.url": "",
    "security.remote_settings.crlite_filters.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
    "toolkit.telemetry.unified": False,
}
NO_QUESTIONS: dict[str, Preference] = {
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "startup.homepage_welcome_url": "",
    "termsofuse.bypassNotification": True,
}
# Without it Firefox cuts off what a page does while it is being closed, such as to say that it leaves.
LAST_WORDS: dict[str, Preference] = {"dom.abort_script_on_child_shutdown": False}

# BiDi has no command for it; the chrome of the browser has an override for each page.
SET_COLOURS = """ChromeUtils.importESModule("chrome://remote/content/shared/NavigableManager.sys.mjs")
  .NavigableManager.getBrowsingContextById(%s).prefersColorSchemeOverride = %s"""

# The code points that WebDriver gives to keys without a character.
KEYS = {
    "Enter": "\ue007",
    "Tab": "\ue004",
    "Escape": "\ue00c",
    "Backspace": "\ue003",
    "Delete": "\ue017",
    "Home": "\ue011",
    "End": "\ue010",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}
SHIFT = "\ue008"


class Firefox(Browser):
    """Debian's Firefox ESR, headless, on loopback only."""

    name = "firefox"
    program = "firefox-esr"
    package = "firefox-esr"

    def _launch(self) -> Connection:
        (self._process.profile / "user.js").write_text(
            user_js({**LOOPBACK_ONLY, **NO_QUESTIONS, **LAST_WORDS})
        )
        debugging = ["--remote-debugging-port=0", "--remote-allow-system-access"]
        profile = ["--no-remote", "--profile", str(self._process.profile)]
        self._process.start([self._path, "--headless", *debugging, *profile, "about:blank"])
        port = json.loads(self._port_file("WebDriverBiDiServer.json"))["ws_port"]
        connection = self._connect(f"ws://127.0.0.1:{port}/session")
        connection.call("session.new", {"capabilities": {}})
        connection.call("session.subscribe", {"events": ["log.entryAdded"]})
        return connection

    def _quit(self) -> None:
        self.call("browser.close")

    def _new_context(self) -> str:
        context: str = self.call("browser.createUserContext")["userContext"]
        return context

    def _remove_context(self, context: str) -> None:
        self.call("browser.removeUserContext", userContext=context)

    def _new_page(self, context: str) -> Page:
        created = self.call("browsingContext.create", type="window", userContext=context)["context"]
        self._pages[created] = page = FirefoxPage(self, created)
        return page

    def _on_event(self, event: Event) -> None:
        entry = event["params"]
        page = self._pages.get(entry.get("source", {}).get("context", ""))
        if isinstance(page, FirefoxPage) and entry.get("level") == "error":
            page.note_error(str(entry["text"]))


class FirefoxPage(Page):
    """A page, known by its browsing context."""

    def __init__(self, browser: Firefox, context: str) -> None:
        super().__init__()
        self._browser = browser
        self._context = context

    def open(self, url: str) -> None:
        self._call("browsingContext.navigate", url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        return self._evaluate(expression, self._context)

    def add_init_script(self, script: str) -> None:
        function = f"() => {{ {script}\n }}"
        self._browser.call("script.addPreloadScript", functionDeclaration=function, contexts=[self._context])

    def set_viewport(self, width: int, height: int) -> None:
        self._call(
            "browsingContext.setViewport", viewport={"width": width, "height": height}, devicePixelRatio=1
        )

    def emulate_dark(self, *, dark: bool = True) -> None:
        tree = self._browser.call("browsingContext.getTree", **{"moz:scope": "chrome"})
        scheme = "dark" if dark else "light"
        window = tree["contexts"][0]["context"]
        self._evaluate(SET_COLOURS % (json.dumps(self._context), json.dumps(scheme)), window)
        self.wait_for(f"matchMedia('(prefers-color-scheme: {scheme})').matches")

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("browsingContext.captureScreenshot")["data"]))

    def press(self, key: str, *, shift: bool = False) -> None:
        value = KEYS.get(key, key)
        strokes = [("keyDown", value), ("keyUp", value)]
        if shift:
            strokes = [("keyDown", SHIFT), *strokes, ("keyUp", SHIFT)]
        self._act("key", [{"type": kind, "value": value} for kind, value in strokes])

    def close(self) -> None:
        self._call("browsingContext.close")

    def note_error(self, text: str) -> None:
        self._errors.append(text)

    def _click_at(self, x: float, y: float) -> None:
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        self._act("pointer", [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}])

    def _act(self, kind: str, actions: list[dict[str, Any]]) -> None:
        self._call("input.performActions", actions=[{"type": kind, "id": kind, "actions": actions}])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, context=self._context, **parameters)

    def _evaluate(self, expression: str, context: str) -> Any:
        answer = self._browser.call(
            "script.evaluate", expression=f"({expression}\n)", target={"context": context}, awaitPromise=True
        )
        if answer["type"] == "exception":
            raise ScriptError(str(answer["exceptionDetails"]["text"]))
        return local_value(answer["result"])


def local_value(remote: dict[str, Any]) -> Any:
    """Return the Python form of a value as BiDi describes it; what JSON cannot hold becomes None."""
    kind, value = remote["type"], remote.get("value")
    if kind == "array":
        return [local_value(item) for item in value or []]
    if kind == "object":
        return {key: local_value(item) for key, item in value or []}
    if kind == "number":
        return value if not isinstance(value, str) else None
    return value if kind in ("string", "boolean") else None


def user_js(preferences: dict[str, Preference]) -> str:
    return "".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in preferences.items())
