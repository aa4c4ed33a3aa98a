"""What Chromium tells screen readers of a page, names and roles; and which elements listen to the mouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.browser.drivers.chromium import ChromiumPage

NAMED = {
    "application", "button", "checkbox", "combobox", "grid", "image", "img", "link", "listbox", "log",
    "menuitem", "meter", "navigation", "Canvas", "progressbar", "ProgressIndicator", "radio", "region",
    "RootWebArea", "searchbox", "slider", "spinbutton", "switch", "tab", "textbox", "tree",
}  # fmt: skip
"""Roles that say nothing without a name."""
GRIDS = {"grid", "table"}
MOUSE = {"click", "dblclick", "mousedown", "mouseup", "pointerdown", "touchstart"}


def unnamed(page: ChromiumPage) -> list[str]:
    """Return what a screen reader would announce by its role alone, and tables without headers of columns."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    known = {node["nodeId"]: node for node in nodes}
    found = [node for node in nodes if _is_unnamed(node)]
    headless = [node for node in nodes if _role(node) in GRIDS and not _has_heads(node, known)]
    return [f"{_role(node)} without a name: {_html(page, node)}" for node in found] + [
        f"{_role(node)} without headers of columns or rows: {_html(page, node)}" for node in headless
    ]


def mouse_only(page: ChromiumPage, checks: str, kept: str) -> list[str]:
    """Return the elements that listen to the mouse and cannot be used by keys.

    Args:
        page: the page.
        checks: the expression of ``checks.js``.
        kept: a selector of elements for which keys do the same elsewhere.
    """
    body = page.call("Runtime.evaluate", expression="document.body")["result"]["objectId"]
    told = page.call("DOMDebugger.getEventListeners", objectId=body, depth=-1)["listeners"]
    ids = sorted({each["backendNodeId"] for each in told if each["type"] in MOUSE})
    function = f"function (kept) {{ const c = {checks}; return c.isUsable(this, kept) ? '' : c.name(this); }}"
    names = (_called(page, each, function, kept) for each in ids)
    return [f"only the mouse can use {name}" for name in names if name]


def _is_unnamed(node: dict[str, Any]) -> bool:
    name = node.get("name", {}).get("value", "")
    return not node.get("ignored") and _role(node) in NAMED and not str(name).strip()


def _role(node: dict[str, Any]) -> str:
    return str(node.get("role", {}).get("value", ""))


def _below(node: dict[str, Any], known: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in node.get("childIds", []):
        if each in known:
            yield known[each]
            yield from _below(known[each], known)


def _has_heads(node: dict[str, Any], known: dict[str, dict[str, Any]]) -> bool:
    roles = {_role(each) for each in _below(node, known)}
    return node.get("ignored") or not roles & {"row", "cell"} or bool(roles & {"columnheader", "rowheader"})


def _html(page: ChromiumPage, node: dict[str, Any]) -> str:
    function = "function () { return (this.outerHTML || this.nodeName).slice(0, 160); }"
    return str(_called(page, node["backendDOMNodeId"], function)) if "backendDOMNodeId" in node else ""


def _called(page: ChromiumPage, node: int, function: str, *arguments: Any) -> Any:
    found = page.call("DOM.resolveNode", backendNodeId=node)["object"]["objectId"]
    given = [{"value": each} for each in arguments]
    answer = page.call(
        "Runtime.callFunctionOn",
        objectId=found,
        functionDeclaration=function,
        arguments=given,
        returnByValue=True,
    )
    return answer["result"].get("value")
