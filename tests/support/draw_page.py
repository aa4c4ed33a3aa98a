"""What people do on the page of the paper, and see there."""

from __future__ import annotations

import json

from tests.browser.drivers import Browser, Page
from tests.support.served import Reachable

LINES = "draw.board.picture.lines().length"
SEEN = "JSON.stringify(draw.board.picture.lines().map(line => [line.by, line.n, line.text]))"
PIXELS = """(() => {
  const base = draw.board.surface.base, {width, height} = base.canvas;
  let sum = 0;
  for (const word of new Uint32Array(base.getImageData(0, 0, width, height).data.buffer)) {
    sum = (Math.imul(sum, 31) + word) | 0;
  }
  return sum;
})()"""
SETTLED = "draw.board.pending.length === 0 && !draw.board.isDue"
STROKE = """(() => {
  const paper = document.getElementById('draw-paper'), box = paper.getBoundingClientRect(), way = %s;
  const fire = (type, point) => paper.dispatchEvent(new PointerEvent(type, {
    bubbles: true, pointerId: 7,
    clientX: box.left + point[0] * box.width, clientY: box.top + point[1] * box.height}));
  fire('pointerdown', way[0]);
  way.slice(1).forEach(point => fire('pointermove', point));
  fire('pointerup', way[way.length - 1]);
})()"""


def visit(browser: Browser, server: Reachable, *, script: str = "") -> Page:
    page = browser.new_page(isolated=True)
    if script:
        page.add_init_script(script)
    page.open(f"{server.address}draw/")
    page.wait_for("window.draw && draw.board && draw.board.people.own !== null")
    return page


def stroke(page: Page, *points: tuple[float, float]) -> None:
    page.evaluate(STROKE % json.dumps(points))


def sees(page: Page, count: int, timeout: float = 60) -> None:
    page.wait_for(f"{LINES} === {count} && {SETTLED}", timeout=timeout)
