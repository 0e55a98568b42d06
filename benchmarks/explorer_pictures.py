"""Take the pictures of the explorer that the documentation shows, from the finished demo: `make demo` comes first."""

import io
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from prefdissect.files import atomic_write

PAGE = Path("results/demo/explorer.html").resolve()
TARGET = Path(__file__).resolve().parents[1] / "docs" / "images"
# Name -> state, and height of the picture. Texts come from the bundled sample alone.
VIEWS = {
    "judges": ("view=map", 860),
    "pair": ("view=pair&pair=q21-r4-r3&judge=structured", 1180),
    "compare": ("view=compare&judge=longer&other=structured", 1130),
}


def main():
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for name, (state, height) in VIEWS.items():
            page = browser.new_page(viewport={"width": 1180, "height": height}, color_scheme="light")
            page.goto(f"file://{PAGE}#{state}")
            page.wait_for_selector("#main[data-drawn]")
            image = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE)
            path = TARGET / f"explorer_{name}.png"
            atomic_write(path, lambda handle, image=image: image.save(handle, "png", optimize=True))
        browser.close()


if __name__ == "__main__":
    main()
