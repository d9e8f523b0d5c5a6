"""A child's page in a real Chromium, on a tablet in both orientations.

HCRM_PICTURES names a folder in which a picture of each chapter is left.
"""

import os
import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import update

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.handout import Share
from hcrm_core.terms import Eye, ProductKind, Source
from hcrm_store.care import LensOrder
from hcrm_store.clinical import EyeMeasurement
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, add_exam

ORIENTATIONS = {"landscape": (1024, 768), "portrait": (768, 1024)}
CHAPTERS = ["story", "curves", "growth", "options", "next"]
HISTORY = [
    (date(2024, 5, 6), "23.61", "23.55"),
    (date(2024, 11, 9), "23.84", "23.76"),
    (date(2025, 5, 3), "24.02", "23.95"),
    (date(2025, 11, 8), "24.18", "24.10"),
]
TOUCHABLE = "nav a, summary, button, .button, input"


def program() -> str:
    found = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("there is no Chromium here (dev.py installs it on Debian)")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Root needs --no-sandbox; the pages are ours.
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(params=ORIENTATIONS)
def tablet(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, height = ORIENTATIONS[request.param]
    yield from opened(browser.new_context(viewport={"width": width, "height": height}, has_touch=True))


@pytest.fixture
def lying(browser: Browser) -> Iterator[Page]:
    yield from opened(browser.new_context(viewport={"width": 1024, "height": 768}, has_touch=True))


def opened(context: BrowserContext) -> Iterator[Page]:
    """A page that must not complain: neither of its content policy nor of anything else."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert [text for text in said if "410" not in text] == []


@pytest.fixture
def client(client_for: SignIn) -> Workstation:
    return client_for("optometrist")


@pytest.fixture
def share(client: Workstation, clinic: Clinic, store: Store) -> Share:
    """Of a child with some years of examinations, who wears lenses."""
    child = clinic.mine
    where = {"customer_id": child.customer_id, "site_id": clinic.north}
    with transaction(store.jobs) as session:
        session.execute(update(Customer).where(Customer.id == child.customer_id).values(name="林小满"))
        for on, right, left in HISTORY:
            exam_id = add_exam(session, examined_on=on, **where)
            session.flush()
            for eye, length in ((Eye.OD, right), (Eye.OS, left)):
                one = (EyeMeasurement.exam_id == exam_id, EyeMeasurement.eye == eye)
                session.execute(update(EyeMeasurement).where(*one).values(axial_length_mm=Decimal(length)))
        for eye in Eye:
            order = {"eye": eye, "product": ProductKind.FUNCTIONAL, "dispensed_on": date(2024, 5, 12)}
            session.add(LensOrder(source=Source.LEDGER, **order, **where))
    return Share.model_validate(client.post("/shares", {"customer_id": str(child.customer_id)}).json())


def left_picture(page: Page, name: str) -> None:
    folder = os.environ.get("HCRM_PICTURES")
    if folder:
        size = page.viewport_size
        assert size is not None
        page.screenshot(path=Path(folder) / f"{name}_{size['width']}x{size['height']}.png")


def turned_to(page: Page, chapter: str) -> None:
    page.wait_for_function("id => Math.abs(document.getElementById(id).getBoundingClientRect().left) < 2", arg=chapter)


def test_each_chapter_is_reached_by_a_tap_and_fits_the_screen(tablet: Page, share: Share) -> None:
    tablet.goto(share.url)
    expect(tablet.locator("h1").first).to_have_text("小满的故事")
    for number, chapter in enumerate(CHAPTERS):
        tablet.locator("nav a").nth(number).tap()
        turned_to(tablet, chapter)
        expect(tablet.locator("nav a").nth(number)).to_have_attribute("aria-current", "page")
        section = tablet.locator(f"#{chapter}")
        assert section.evaluate("one => one.scrollWidth <= one.clientWidth"), chapter
        left_picture(tablet, f"handout_{chapter}")
    assert tablet.evaluate("() => document.documentElement.scrollHeight <= innerHeight")


def test_what_is_touched_is_large_enough_and_text_is_large(tablet: Page, share: Share) -> None:
    tablet.goto(share.url)
    for one in tablet.locator(TOUCHABLE).all():
        box = one.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["width"] >= 44
    sizes = tablet.evaluate(
        "() => [...document.querySelectorAll('section p, section li, section td')].filter(one => "
        "!one.classList.contains('source')).map(one => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 20
    labels = tablet.evaluate(
        "() => [...document.querySelectorAll('figure svg text')].map(one => one.getBoundingClientRect().height)"
    )
    assert min(labels) >= 11


def test_no_text_of_a_chart_leaves_it(tablet: Page, share: Share) -> None:
    tablet.goto(share.url)
    outside = tablet.evaluate(
        """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
            const room = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(one => {
                const box = one.getBoundingClientRect();
                return box.left < room.left - 1 || box.right > room.right + 1 || box.bottom > room.bottom + 1;
            }).map(one => one.textContent);
        })"""
    )
    assert outside == []


def test_the_charts_hold_the_childs_values(lying: Page, share: Share) -> None:
    lying.goto(share.url)
    drawn = lying.eval_on_selector_all(
        "figure svg", "all => [...all[0].querySelectorAll('.point[data-eye=OD]')].map(one => one.dataset.value)"
    )
    assert drawn == [right for _, right, _ in HISTORY] + ["24.31"]


def swiped(page: Page, *, start: int, end: int) -> None:
    """A finger drawn across the middle of the screen."""
    hand = page.context.new_cdp_session(page)
    hand.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": start, "y": 300}]})
    for x in range(start, end, -50 if start > end else 50):
        hand.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": 300}]})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_swipe_and_the_arrow_keys_turn_the_page(lying: Page, share: Share) -> None:
    lying.goto(share.url)
    swiped(lying, start=800, end=100)
    turned_to(lying, "curves")
    lying.keyboard.press("ArrowRight")
    turned_to(lying, "growth")
    lying.keyboard.press("ArrowLeft")
    turned_to(lying, "curves")


def test_the_page_can_be_read_without_a_script(browser: Browser, share: Share) -> None:
    context = browser.new_context(viewport={"width": 768, "height": 1024}, java_script_enabled=False)
    page = context.new_page()
    page.goto(share.url)
    expect(page.locator("h1")).to_have_count(len(CHAPTERS))
    expect(page.locator("#story")).to_contain_text("增长 0.13 mm")
    page.locator("nav a").nth(2).click()
    expect(page.locator("#growth h1")).to_be_in_viewport()
    page.locator("#options summary").first.click()
    context.close()


def test_nothing_is_asked_of_anybody_else(lying: Page, share: Share) -> None:
    asked: list[str] = []
    lying.on("request", lambda request: asked.append(request.url))
    lying.goto(share.url, wait_until="networkidle")
    origin = share.page.removesuffix("/h")
    assert asked
    assert [url for url in asked if not url.startswith(f"{origin}/h/")] == []
    assert lying.context.cookies() == []


def test_a_tablet_that_shows_a_page_closes_it_when_it_is_ended(lying: Page, share: Share, client: Workstation) -> None:
    lying.goto(share.url)
    expect(lying.locator("#story")).to_contain_text("24.31")
    client.http.delete(f"/shares/{share.id}", headers=client.headers)
    lying.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(lying.locator(".message h1")).to_have_text("这个页面已经关闭")
    assert "24.31" not in lying.content()
    left_picture(lying, "handout_closed")


def typed_code(page: Page, code: str) -> None:
    """Into the field that waits for it; a key before the page has put the cursor there would be its complaint."""
    field = page.get_by_label("8 位数字")
    expect(field).to_be_focused()
    field.fill(code)
    page.get_by_role("button", name="打开").tap()


def test_a_code_is_typed_with_the_keys_of_a_tablet(tablet: Page, share: Share) -> None:
    tablet.goto(share.page)
    left_picture(tablet, "handout_code")
    typed_code(tablet, "00000000")
    expect(tablet.get_by_role("alert")).to_contain_text("这个数字打不开")
    left_picture(tablet, "handout_code_wrong")
    typed_code(tablet, share.code)
    expect(tablet.locator("h1").first).to_have_text("小满的故事")
    turned_to(tablet, "story")
