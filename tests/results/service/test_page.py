"""The page in a real browser: with and without scripts, light and dark, and nothing from anywhere else."""

import shutil

import pytest
from playwright.sync_api import sync_playwright
from support.samples.sample_results import IDENTITY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        # Its sandbox needs rights that a container does not give; it sees our own pages only.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def scripts(request):
    return request.param


@pytest.fixture
def page(browser, scripts):
    """A tab. `page.complaints`: what its console said, and requests to anywhere but the service."""
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": 1200, "height": 900})
    tab = context.new_page()
    tab.complaints = []
    tab.on("console", lambda message: tab.complaints.append(message.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on("request", lambda sent: "127.0.0.1" in sent.url or tab.complaints.append(sent.url))
    yield tab
    context.close()


def test_the_overview_leads_to_a_result_and_its_history(page, service):
    page.goto(service.url)
    assert page.locator("tbody tr").count() == 2
    assert page.locator("td.name").first.inner_text() == "<script>alert(1)</script>", "names are text"
    page.fill("input[name=model]", "keyword")
    page.click("text=show")
    assert page.locator("tbody tr").count() == 1
    page.click("text=nets/keyword.py:build")
    assert page.locator("h1").inner_text() == "nets/keyword.py:build on ethos-u55-128"
    history = page.locator("tr:has(td.changed)")
    assert history.count() == 3, "three other versions of Vela after the first"
    assert page.locator("circle.on-front").count() >= 4
    for heading in ("Over time", "Cycles against SRAM", "Recipe", "Operators"):
        assert page.locator(f"h2:text-is('{heading}')").is_visible()
    page.click("text=5.0.0 >> xpath=ancestor::tr >> a")
    assert "/results/" in page.url and IDENTITY.key not in page.url
    assert page.complaints == []


def test_regressions_say_what_changed(page, service):
    page.goto(f"{service.url}/regressions")
    assert "ethos-u-vela 5.1.0 → 5.2.0" in page.locator("tbody").inner_text()
    assert "+10.0" in page.locator("td.more").inner_text()
    assert page.complaints == []


def test_tables_can_be_sorted_with_scripts(page, service, scripts):
    page.goto(service.url)
    first = page.locator("td.name").first
    before = first.inner_text()
    if not scripts:
        assert page.locator("th button").count() == 0, "nothing that does not work is shown"
        return
    page.click("th:has-text('model') button")
    page.click("th:has-text('model') button")
    assert first.inner_text() != before
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_pages_are_readable_on_any_screen(browser, service, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    tab = context.new_page()
    for path in ("/", "/regressions", "/jobs", f"/results/{IDENTITY.key}"):
        tab.goto(service.url + path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is wider than the screen"
        colours = tab.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        ink, paper = (luminance(colour) for colour in colours)
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) > 7, "contrast as WCAG AAA asks for"
        assert (paper < 0.2) == (scheme == "dark")
    context.close()


def luminance(colour):
    """Relative luminance of `rgb(...)`, by WCAG 2."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
