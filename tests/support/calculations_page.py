"""What people do on the page of the calculations, and see there."""

from __future__ import annotations

from tests.browser.drivers import Browser, Page
from tests.support.served import Reachable

CARDS = "Array.from(document.querySelectorAll('.job')).map(card => card.textContent)"
BUSY = "document.querySelectorAll('.job .bar').length"
DRAWN = """(canvas => {
  if (!canvas) { return false; }
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return data.filter((value, at) => at % 4 === 3 && value === 255).length === canvas.width * canvas.height;
})(document.querySelector('.picture canvas'))"""
PRIMES = "Count the primes"
WHOLE = "240 \u00d7 180 pixels"


def open_calculations(browser: Browser, server: Reachable) -> Page:
    """Open the page, and wait for the picture that it begins with."""
    page = browser.open(f"{server.address}calculations/", isolated=True)
    page.wait_for(f"{CARDS}.some(text => text.includes('{WHOLE}')) && {DRAWN}")
    be_patient(page, 250)
    return page


def be_patient(page: Page, seconds: float) -> None:
    """Let the page wait longer for an answer than people can choose: a busy machine may need that."""
    page.evaluate(
        f"(list => {{ list.firstElementChild.value = '{seconds}'; list.selectedIndex = 0; return 0; }})"
        "(document.getElementById('calc-patience'))"
    )


def choose(page: Page, title: str) -> None:
    page.evaluate(
        f"Array.from(document.querySelectorAll('.way')).find(b => b.textContent === '{title}').click()"
    )


def fill(page: Page, field: str, text: str) -> None:
    page.evaluate(f"(document.getElementById('calc-{field}').value = {text!r}, 0)")


def calculate(page: Page) -> None:
    page.click(".form:not(.hidden) .strong")


def begin_picture(page: Page, *, width: int, depth: int) -> None:
    """Let the server draw a picture that takes some seconds."""
    fill(page, "mandelbrot-view", "spiral")
    fill(page, "mandelbrot-width", str(width))
    fill(page, "mandelbrot-depth", str(depth))
    calculate(page)
