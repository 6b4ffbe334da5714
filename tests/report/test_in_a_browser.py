"""Every page in a real browser: none is wider than a phone, none asks for anything, grades are sorted by a click."""

from __future__ import annotations

import contextlib
import html
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_samples import EXERCISES, FEEDBACK, GRADES, POINTS, STATISTICS, TOTALS
from dlgrade.report.class_pages import grades_page, statistics_page
from dlgrade.report.feedback import to_html as feedback_page
from dlgrade.report.html import to_html
from report_samples import REPORTS

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium here to look at pages with")

WIDTHS = (360, 1200)
CANARY = "canary.example"
ITS_OWN = re.compile(r"\b(google|googleapis|gstatic|gvt1)\.com\b")
"""Whom a browser may ask for itself, whatever it shows."""
PAGES = {
    "reports": lambda: to_html(list(REPORTS.values())),
    "feedback": lambda: feedback_page(FEEDBACK),
    "statistics": lambda: statistics_page("Deep learning", STATISTICS, POINTS),
    "grades": lambda: grades_page("Deep learning", GRADES, TOTALS, EXERCISES),
    # What the measures must notice.
    "wide": lambda: "<!DOCTYPE html><p style='width: 500px'>x</p>",
    "asks": lambda: f"<!DOCTYPE html><img src='http://{CANARY}/missing.png'>",
}
MEASURE = """
<script>
onload = () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const inside = frame.contentDocument, root = inside.documentElement, sorts = inside.querySelectorAll("[name=sort]");
    const orders = [...sorts].map(sort => {
      sort.checked = true;
      const rows = [...inside.querySelectorAll(".grades tbody tr")];
      return rows.map(row => [row.getBoundingClientRect().top, row.cells[0].textContent])
        .sort((one, other) => one[0] - other[0]).map(pair => pair[1]);
    });
    const small = [...inside.querySelectorAll("svg text")].map(text => text.getBoundingClientRect().height);
    found[frame.name] = {
      wide: root.scrollWidth,
      text: root.innerText.length, orders, smallest: Math.min(...small, 99), scripts: inside.scripts.length,
    };
  }
  const out = document.createElement("pre");
  out.textContent = JSON.stringify(found);
  document.body.replaceChildren(out);
};
</script>
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("pages")
    frames = []
    for name, page in PAGES.items():
        (folder / f"{name}.html").write_text(page(), "utf-8")
        frames += [
            f'<iframe name="{name}-{width}" src="{name}.html" style="width:{width}px;height:800px;border:0"></iframe>'
            for width in WIDTHS
        ]
    (folder / "measure.html").write_text(f"<!DOCTYPE html><body>{''.join(frames)}{MEASURE}", "utf-8")
    with asked_for() as (address, asked):
        found = look(folder / "measure.html", folder, address)
    return {**found, "asked": asked}


@contextlib.contextmanager
def asked_for() -> Iterator[tuple[str, list[str]]]:
    """The address of a proxy that has nothing, and what it is asked for."""
    asked: list[str] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def send_nothing(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_GET = do_POST = do_HEAD = do_CONNECT = send_nothing

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def look(page: Path, folder: Path, proxy: str) -> dict[str, Any]:
    """What the page finds out about the pages in it, in a browser that knows nothing else."""
    assert BROWSER is not None
    command = [
        BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        f"--proxy-server=http://{proxy}", "--proxy-bypass-list=<-loopback>",
        f"--user-data-dir={folder / 'profile'}", "--allow-file-access-from-files",
        "--hide-scrollbars", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, timeout=60, cwd=folder)
    found = re.search(r"<pre>(.*)</pre>", ran.stdout.decode("utf-8"), re.DOTALL)
    assert found, ran.stderr.decode("utf-8", "replace")[-2000:]
    data: dict[str, Any] = json.loads(html.unescape(found[1]))
    return data


OURS = [name for name in PAGES if name not in ("wide", "asks")]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", OURS)
def test_a_page_is_no_wider_than_the_screen(measured, name: str, width: int) -> None:
    found = measured[f"{name}-{width}"]
    assert found["text"] > 100, "the page was not shown"
    assert found["wide"] <= width
    assert found["scripts"] == 0
    # What stands in a picture is as large on a phone as anywhere, but for a little.
    assert found["smallest"] >= 10


def test_the_measures_notice_what_they_are_for(measured) -> None:
    assert measured["wide-360"]["wide"] > 360


def test_no_page_asks_for_anything(measured) -> None:
    strangers = {url for url in measured["asked"] if not ITS_OWN.search(url)}
    # One page does, so that it is known that it would be noticed.
    assert strangers == {f"http://{CANARY}/missing.png"}


def test_grades_are_sorted_by_the_chosen_column(measured) -> None:
    ada, bo, zoe, ivan = sorted({grade.student for grade in GRADES})
    for width in WIDTHS:
        orders = measured[f"grades-{width}"]["orders"]
        assert len(orders) == 2 + len(EXERCISES)
        assert orders[0] == [ada, bo, zoe, ivan]
        assert orders[1] == [bo, zoe, ivan, ada], "by total"
        assert orders[2] == [zoe, bo, ivan, ada], "by softmax"
