"""Runs WebKitGTK, with the system's Python, which has the bindings."""

from __future__ import annotations

import sys
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")

from gi.repository import Gdk, GLib, Gtk, WebKit2  # noqa: E402 (after the versions)
from words import answer, answer_value, carry_out  # noqa: E402

PAINTING = 300  # milliseconds from the load to a picture
TELL_UNCAUGHT = """window.addEventListener('error', function (event) {
  if (event.message) { window.webkit.messageHandlers.uncaught.postMessage(event.message); }
}, false);"""


class Runner:
    """One page at a time."""

    def __init__(self) -> None:
        self._window = Gtk.Window(default_width=1000, default_height=700)
        self._view: Any = None
        self._errors: list[str] = []
        self._waits = False  # for a page to load

    def open(self, address: str, before: str) -> None:
        self._waits, self._errors = True, []
        if self._view:
            self._window.remove(self._view)
        self._view = self._make_view(before)
        self._window.add(self._view)
        self._window.show_all()
        self._view.load_uri(address)

    def evaluate(self, script: str) -> None:
        self._view.evaluate_javascript(script, -1, None, None, None, self._answer_script)

    def errors(self) -> None:
        answer("value", *self._errors)

    def screenshot(self, path: str) -> None:
        def take() -> None:
            width, height = self._window.get_size()
            picture = Gdk.pixbuf_get_from_window(self._window.get_window(), 0, 0, width, height)
            answer("value" if picture.savev(path, "png", [], []) else "failed")

        GLib.timeout_add(PAINTING, take)

    def leave(self) -> None:
        self._waits = True
        self._view.load_uri("about:blank")

    def _make_view(self, before: str) -> Any:
        context = WebKit2.WebContext.new_ephemeral()
        context.set_cache_model(WebKit2.CacheModel.DOCUMENT_VIEWER)
        view = WebKit2.WebView.new_with_context(context)
        manager = view.get_user_content_manager()
        manager.register_script_message_handler("uncaught")
        manager.connect("script-message-received::uncaught", self._note_error)
        for source in (TELL_UNCAUGHT, before):
            every, start = WebKit2.UserContentInjectedFrames.ALL_FRAMES, WebKit2.UserScriptInjectionTime.START
            manager.add_script(WebKit2.UserScript(source, every, start, None, None))
        view.connect("load-changed", self._answer_load)
        view.connect("load-failed", self._answer_failure)
        return view

    def _note_error(self, manager: Any, message: Any) -> None:
        self._errors.append(message.get_js_value().to_string())

    def _answer_script(self, view: Any, result: Any) -> None:
        try:
            value = view.evaluate_javascript_finish(result)
        except GLib.Error as error:
            answer("failed", str(error))
        else:
            answer_value(value.to_string())

    def _answer_load(self, view: Any, event: Any) -> None:
        if event == WebKit2.LoadEvent.FINISHED and self._waits:
            self._waits = False
            answer("value")

    def _answer_failure(self, view: Any, event: Any, address: str, error: Any) -> bool:
        if self._waits:
            self._waits = False
            answer("failed", f"{address} was not loaded: {error}")
        return True


def main() -> None:
    runner = Runner()

    def on_input(*_: Any) -> bool:
        carry_out(runner, Gtk.main_quit)
        return True

    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, on_input)
    answer("ready")
    Gtk.main()


if __name__ == "__main__":
    main()
