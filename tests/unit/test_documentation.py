"""Documentation stays true: generated pages are fresh, links lead somewhere, the study in the README runs."""

from __future__ import annotations

import re

import pytest
import yaml

from prefdissect.catalogue import load_catalogue
from prefdissect.config import load_study
from prefdissect.documentation_images import IMAGES, image_file
from prefdissect.reference import PAGES
from prefdissect.stages.drawing import DRAW


@pytest.mark.parametrize("page", PAGES)
def test_generated_pages_are_fresh(root, page):
    assert (root / "docs" / page).read_text(encoding="utf-8") == PAGES[page](), "python scripts/write_reference.py"


def test_links_lead_to_files(root):
    for document in [root / "README.md", *(root / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_make_targets_in_the_documentation_exist(root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for document in [root / "README.md", *(root / "docs").glob("*.md")]:
        for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", document.read_text(encoding="utf-8"), re.MULTILINE):
            assert f"\n{target}:" in makefile, f"{document.name}: make {target}"


def test_study_of_the_readme_is_valid(root, tmp_path, monkeypatch):
    text = (root / "README.md").read_text(encoding="utf-8")
    study = yaml.safe_load(re.search(r"<!-- tested -->\n```yaml\n(.*?)```", text, re.DOTALL).group(1))
    monkeypatch.chdir(tmp_path)
    assert load_study(study).judges_of("recorded") == ["human"]


def test_judges_of_the_readme_are_valid(root, tmp_path, monkeypatch):
    text = (root / "README.md").read_text(encoding="utf-8").partition("## Add a judge")[2].partition("\n## ")[0]
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    records = [record for block in blocks for record in yaml.safe_load(block.removeprefix("judges:\n"))]
    monkeypatch.chdir(tmp_path)
    study = {"study": "x", "judges": records, "annotators": [{"name": "lexical", "kind": "lexical"}]}
    judges = load_study(study | {"sources": [{"name": "s", "kind": "table", "path": "p.csv"}]}).judges
    assert {judge["kind"] for judge in judges.values()} == {"transformers", "vllm", "openai"}
    assert judges["llama-70b"]["gpu"] == 4 and judges["qwen-0.6b"]["gpu"] == 0


def test_annotators_of_the_documentation_are_valid(root):
    """Those of the README and of the page on annotators; the property of one's own that it shows, too."""
    pages = [(root / name).read_text(encoding="utf-8") for name in ("README.md", "docs/annotation.md")]
    blocks = [yaml.safe_load(block) for page in pages for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    lists = [block["annotators"] for block in blocks if isinstance(block, dict) and "annotators" in block]
    sample = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    for record in (record for records in lists for record in records if record["kind"] == "sheet"):
        record["path"] = str(root / "README.md")  # any file that exists
    found = [load_study(sample | {"annotators": records}).annotators_of("llm") for records in lists]
    assert [names for names in found if names] == [["rater"], ["author"]]


def test_the_property_of_ones_own_in_the_documentation_is_valid(root, tmp_path):
    text = (root / "docs/annotation.md").read_text(encoding="utf-8").partition("## A property of your own")[2]
    own = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL).group(1))
    (tmp_path / "properties.yaml").write_text(yaml.safe_dump({"properties": own}), encoding="utf-8")
    assert load_catalogue(tmp_path / "properties.yaml")["names_numbers"].anchors[3] == "numbers throughout"


def test_every_kind_of_figure_is_pictured_and_explained(root):
    page = (root / "docs" / "figures.md").read_text(encoding="utf-8")
    assert set(IMAGES) == set(DRAW)
    for kind in DRAW:
        assert f"](images/{image_file(kind)})" in page, kind
        assert (root / "docs" / "images" / image_file(kind)).read_bytes().startswith(b"\x89PNG")
        assert (root / "workflow" / "report" / f"{kind}_figure.rst").is_file(), kind


def test_the_look_of_figures_in_the_documentation_is_valid(root, tmp_path, monkeypatch):
    page = (root / "docs" / "figures.md").read_text(encoding="utf-8")
    look = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.DOTALL).group(1))
    known = {"attributes": {"size": 7, "stage": "base"}}
    judges = [{"name": name, "kind": "rule", "rule": "coin", **known} for name in ("human", "gpt-4")]
    study = {"study": "x", "judges": judges, "annotators": [{"name": "lexical", "kind": "lexical"}]}
    monkeypatch.chdir(tmp_path)
    loaded = load_study(study | look | {"sources": [{"name": "s", "kind": "table", "path": "p.csv"}]})
    assert loaded["figures"]["width"] == 85


def test_the_settings_of_the_explorer_in_the_documentation_are_valid(root, tmp_path, monkeypatch):
    page = (root / "docs" / "explorer.md").read_text(encoding="utf-8")
    settings = yaml.safe_load(re.search(r"<!-- tested -->\n```yaml\n(.*?)```", page, re.DOTALL).group(1))
    monkeypatch.chdir(tmp_path)
    study = {"study": "x", "judges": [{"name": "a", "kind": "rule", "rule": "coin"}]}
    study |= {"sources": [{"name": "s", "kind": "table", "path": "p.csv"}]}
    loaded = load_study(study | {"annotators": [{"name": "lexical", "kind": "lexical"}]} | settings)
    assert loaded["explorer"] == {"texts": False, "max_pairs": 5000}
