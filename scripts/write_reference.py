"""Write docs/tables.md, docs/config.md and docs/properties.md: `python scripts/write_reference.py`."""

from pathlib import Path

from prefdissect.reference import write_pages

if __name__ == "__main__":
    write_pages(Path(__file__).resolve().parents[1] / "docs")
