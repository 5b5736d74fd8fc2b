"""The live page in a real browser: it shows what is in the cache, asks nobody but its own server, keeps its own policy,
takes no key for HTML, and can be read on a phone, in the light and in the dark."""

from __future__ import annotations

import os
import re
from pathlib import Path

from browser import Browser
from conftest import EVIL_KEY, Served

PICTURES = Path(os.environ["NEARCACHE_SCREENSHOTS"])

# The text of an element, and the texts of a table's cells.
TEXT = "document.getElementById('{}').textContent"
CELLS = "[...document.querySelectorAll('#{} tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"

# The contrast of each visible text with what is behind it, as WCAG 2 counts it; the least, and where it is.
CONTRAST = """(() => {
  const light = (text) => {
    const parts = text.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
      .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2];
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  let least = [21, ''];
  for (const node of document.querySelectorAll('h1, h2, p, caption, th, td')) {
    if (!node.textContent.trim() || !node.offsetParent) continue;
    const pair = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
    const contrast = (pair[0] + .05) / (pair[1] + .05);
    if (contrast < least[0]) least = [contrast, node.outerHTML];
  }
  return least;
})()"""


def number(text: str) -> float:
    """`1.5K`, `12,345` and `97.1 %` as numbers."""
    found = re.match(r"([\d.,]+)([KMB]?)", text)
    assert found, text
    return float(found[1].replace(",", "")) * {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9}[found[2]]


def test_the_page_is_alive(served: Served, browser: Browser) -> None:
    browser.size(1280, 900)
    browser.open(served.site)
    # Two reports make a rate, and the walk over the cache has come to its end.
    browser.until(TEXT.format("state") + " === 'live' && !document.getElementById('survey').textContent.includes('yet')")
    browser.until(CELLS.format("hottest") + ".length >= 3")

    rate = number(browser.evaluate(TEXT.format("hit-rate")))
    assert 85.0 < rate < 95.0, "nine reads in ten find something"
    assert number(browser.until(f"/[1-9]/.test({TEXT.format('requests')}) && {TEXT.format('requests')}")) > 100
    assert number(browser.evaluate(TEXT.format("items"))) > 1000
    assert number(browser.evaluate(TEXT.format("evictions-note"))) > 0
    assert browser.evaluate(TEXT.format("connections")) == "1"
    memory = browser.evaluate(TEXT.format("memory"))
    assert re.fullmatch(r"[\d.]+ MiB", memory) and 1 < number(memory) < 8, memory
    assert "8.00 MiB" in browser.evaluate(TEXT.format("memory-note"))

    hottest = browser.evaluate(CELLS.format("hottest"))
    assert hottest[0][0] == "popular" and number(hottest[0][1]) > 10 * number(hottest[1][1]), hottest
    largest = browser.evaluate(CELLS.format("largest"))
    assert [row[0] for row in largest[:2]] == [EVIL_KEY, "large"], largest
    assert largest[0][1:] == ["for ever", "293 KiB"]
    left = {row[0]: row for row in browser.evaluate(CELLS.format("left"))}
    assert len(left) == 9 and left["for ever"][2].endswith("iB"), left
    shares = [number(row[3]) for row in left.values()]
    assert 99 < sum(shares) < 101, left
    sizes = browser.evaluate(CELLS.format("sizes"))
    assert any(row[0] == "up to 512 KiB" and row[2] == "1" for row in sizes), sizes

    # The numbers move, and the lines with them.
    so_far = browser.evaluate(TEXT.format("hit-note"))
    browser.until(f"{TEXT.format('hit-note')} !== {so_far!r}")
    points = "document.querySelector('#requests-line polyline').points.length"
    browser.until(f"{points} >= 5")

    # A key is a text.
    assert browser.evaluate("document.images.length") == 0
    assert browser.evaluate("document.title") == "nearcached"

    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        contrast, where = browser.evaluate(CONTRAST)
        assert contrast >= 4.5, f"{scheme}: {where}"
        browser.picture(PICTURES / f"{scheme}.png")
    browser.size(390, 844, phone=True)
    wide = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1] == 390, "nothing stands out to the right"
    browser.picture(PICTURES / "phone.png")

    # For who does not see it.
    unnamed = "[...document.querySelectorAll('svg')].filter(image => !image.getAttribute('aria-label')).length"
    assert browser.evaluate(unnamed) == 0
    assert browser.evaluate("[...document.querySelectorAll('table')].every(table => table.caption)")
    assert browser.evaluate("[document.documentElement.lang, document.getElementById('state').role]") == ["en", "status"]

    assert browser.complaints() == []
    elsewhere = [url for url in browser.requested() if not url.startswith((served.site, "data:,"))]
    assert elsewhere == []
    assert any(url.endswith("/api/live") for url in browser.requested())


def test_a_server_that_goes_is_noticed(served: Served, browser: Browser) -> None:
    browser.open(served.site)
    browser.until(TEXT.format("state") + " === 'live'")
    browser.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
    browser.until(TEXT.format("state") + ".startsWith('no answer')")
    browser.call(
        "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    browser.until(TEXT.format("state") + " === 'live'")


def test_the_policy_stops_what_somebody_put_in(served: Served, browser: Browser) -> None:
    browser.open(served.site)
    browser.until(TEXT.format("state") + " === 'live'")
    browser.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title = \"taken\"'}))"
    )
    browser.evaluate("fetch('http://127.0.0.1:9/').catch(() => 'refused')")
    assert browser.evaluate("document.title") == "nearcached"
    said = " ".join(str(complaint) for complaint in browser.complaints())
    assert "script-src" in said and "connect-src" in said, said
