"""Every page, checked for those who use it by keys, by ear, in large letters or in colours of their own.

The checks are those of WCAG 2.2 AA that a program can make; each page is opened once for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.accessibility.pages import LOOKS, Look, Site, site
from tests.browser.accessibility.tree import mouse_only, unnamed
from tests.browser.drivers.chromium import ChromiumPage

pytestmark = pytest.mark.browser

CHECKS = (Path(__file__).parent / "checks.js").read_text(encoding="utf-8").strip()
DESK = (1280, 800)
ZOOMED = (640, 400)
"""A window of 1280 by 800 at 200%."""
NARROW = (320, 256)
"""A window of 1280 by 1024 at 400% (WCAG 1.4.10)."""
MOST_STOPS = 400


class Shown:
    """A page that is there to be checked.

    Args:
        look: which.
        page: the page.
    """

    def __init__(self, look: Look, page: ChromiumPage) -> None:
        self.look = look
        self.page = page
        self.size = (390, 800) if look.name == "drawer" else DESK

    def problems(self, call: str, *arguments: Any) -> Any:
        """Return what a function of ``checks.js`` finds."""
        given = ", ".join(map(json.dumps, arguments))
        return self.page.evaluate(f"{CHECKS}.{call}({given})")

    def emulate(self, **features: str) -> None:
        """Let the page see a reader with these preferences."""
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.page.call("Emulation.setEmulatedMedia", features=named)

    def resize(self, width: int, height: int) -> None:
        """Give the page a size, and let it draw itself anew."""
        self.page.set_viewport(width, height)
        self.page.wait_for(f"innerWidth === {width} && innerHeight === {height}")
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def reset(self) -> None:
        """Undo what a check has changed."""
        self.emulate(prefers_color_scheme="light")
        self.resize(*self.size)


@pytest.fixture(scope="module")
def place() -> Iterator[Site]:
    with site() as found:
        yield found


@pytest.fixture(scope="module", params=LOOKS, ids=str)
def opened(place: Site, request: pytest.FixtureRequest) -> Iterator[Shown]:
    look: Look = request.param
    page = place.page()
    page.set_viewport(*DESK)
    look.fill(page, place)
    yield Shown(look, page)
    place.browser.reset()


@pytest.fixture
def shown(opened: Shown) -> Shown:
    opened.reset()
    return opened


def test_everything_has_a_name(shown: Shown) -> None:
    assert unnamed(shown.page) == []


def test_it_has_a_structure(shown: Shown) -> None:
    assert shown.problems("structure", shown.look.live) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(shown: Shown, scheme: str) -> None:
    shown.emulate(prefers_color_scheme=scheme)
    assert shown.problems("contrast", shown.look.marks) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_colours_of_the_reader(shown: Shown, scheme: str) -> None:
    shown.emulate(forced_colors="active", prefers_color_scheme=scheme)
    assert shown.problems("contrast", shown.look.marks) + shown.problems("choices") == []


@pytest.mark.parametrize("shift", [False, True], ids=["forwards", "backwards"])
def test_tab_reaches_every_control_and_shows_where_it_is(shown: Shown, shift: bool) -> None:
    page = shown.page
    shown.problems("begin")
    found: list[str] = []
    outside = 0
    for _ in range(MOST_STOPS):
        page.press("Tab", shift=shift)
        problems = shown.problems("focused")
        # Between the ends of a page the focus may be on none of its controls.
        outside += problems is None
        if outside > 2:
            break
        found += problems or []
    assert found + shown.problems("unreached") == []


def test_nothing_needs_the_mouse(shown: Shown) -> None:
    assert mouse_only(shown.page, CHECKS, shown.look.mouse) == []


@pytest.mark.parametrize("size", [ZOOMED, NARROW], ids=["200%", "400%"])
def test_nothing_is_cut_when_it_is_enlarged(shown: Shown, size: tuple[int, int]) -> None:
    shown.resize(*size)
    assert shown.problems("room", shown.look.cut) == []


def test_nothing_is_cut_when_the_text_is_spaced(shown: Shown) -> None:
    assert shown.problems("spaced", shown.look.cut) == []


def test_a_finger_hits_every_control(shown: Shown) -> None:
    shown.resize(390, 800)
    assert shown.problems("small") == []


def test_nothing_moves_for_those_who_want_that(shown: Shown) -> None:
    shown.emulate(prefers_reduced_motion="reduce")
    assert shown.problems("moves") == []


WRONG = """data:text/html,<body style="background:%23fff"><div style="width:3000px">Wide</div>
<h1>Title</h1><h3>Deep</h3><p style="color:%23999">Pale</p><input style="outline:0;border-color:%23eee">
<button aria-label="Other" style="width:9px;padding:0">Say</button><div onclick="1">Click</div>
<img src="data:,"><div style="overflow:hidden;width:20px;white-space:nowrap">Cut off</div>
<table><tr><td>1<td>2</table><p id="live">News</p>
<a href="x" style="transition:color 1s" aria-labelledby="nobody">Link</a>"""

WRONGS = {
    "names": ("textbox", "image"),
    "structure": (
        "no language", "no title", "skips", "no landmark", "no headers", "no live", "nobody", "not called",
    ),
    "contrast": ("Pale", "edge"),
    "mouse": ("Click",),
    "room": ("ends at", "Cut off"),
    "small": ("Other",),
    "moves": ("transition",),
    "keys": ("does not show its focus", "Link"),
}  # fmt: skip


def test_the_checks_find_what_is_wrong(place: Site) -> None:
    page = place.page()
    page.open(WRONG.replace("\n", ""))
    shown = Shown(Look("wrong", lambda *_: None), page)
    shown.reset()
    found = {
        "names": unnamed(page),
        "structure": shown.problems("structure", ["#live"]),
        "contrast": shown.problems("contrast", ""),
        "mouse": mouse_only(page, CHECKS, ""),
        "room": shown.problems("room", ""),
        "small": shown.problems("small"),
        "moves": shown.problems("moves"),
    }
    shown.problems("begin")
    page.press("Tab")
    found["keys"] = shown.problems("focused") + shown.problems("unreached")
    missed = [part for name, parts in WRONGS.items() for part in parts if part not in "\n".join(found[name])]
    assert missed == []


def test_nothing_went_wrong(shown: Shown) -> None:
    # The form of the status page is answered 401 on purpose, and the page of an error 404.
    assert [each for each in shown.page.errors if "401" not in each and "404" not in each] == []
