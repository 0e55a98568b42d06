"""Copy the pictures that the documentation shows from finished studies: `python scripts/write_images.py`."""

from pathlib import Path

from prefdissect.documentation_images import write_images

if __name__ == "__main__":
    write_images(Path("results"), Path(__file__).resolve().parents[1] / "docs" / "images")
