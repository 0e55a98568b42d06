"""The explorer's page and chunks, without a browser."""

from __future__ import annotations

import base64
import hashlib
import re

import numpy as np
import pytest

from prefdissect.errors import InputError
from prefdissect.explorer.container import pack, unpack
from prefdissect.explorer.page import render_page
from prefdissect.explorer.pair_data import detailed_pairs
from prefdissect.explorer.parts import page_files
from prefdissect.explorer.placement import place_judges

PAGE = "workflow/explorer"


def test_shipped_libraries_are_the_named_builds(root):
    table = (root / PAGE / "lib" / "README.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `([^`]+\.js)` .*`([0-9a-f]{64})` \|$", table, re.MULTILINE))
    shipped = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (root / PAGE / "lib").glob("*.js")}
    assert shipped == named and len(named) == 3


def test_every_script_is_in_the_policy_and_no_other(root):
    page = render_page(root / PAGE, "<b>title</b>", [("core", pack({}))])
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    found = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts}
    assert found == allowed and len(found) == len(page_files(root / PAGE)) - 2
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy
    assert "unsafe-inline' " not in policy.partition("style-src")[0] and "unsafe-eval" not in policy
    assert "<title>&lt;b&gt;title&lt;/b&gt;</title>" in page


def test_a_script_that_would_end_its_element_is_refused(root, tmp_path):
    for part in ("lib", "js"):
        (tmp_path / part).mkdir()
    for name in ("explorer.html.j2", "style.css"):
        (tmp_path / name).write_bytes((root / PAGE / name).read_bytes())
    (tmp_path / "js" / "a.js").write_text('const end = "</SCRIPT>";', encoding="utf-8")
    with pytest.raises(InputError, match="a.js.*</script"):
        render_page(tmp_path, "t", [])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "float32"])
def test_chunks_come_back_as_they_were(dtype):
    document = {"text": "half \ud800 of a pair, ü, </script>", "none": None, "list": [1, 2.5, "x" * 1000]}
    arrays = {"one": np.arange(7).astype(dtype), "two": np.arange(12).reshape(3, 4).astype(dtype)}
    arrays["empty"] = np.zeros((0, 3), dtype)
    found, back = unpack(pack(document, arrays))
    assert found == document
    for name, array in arrays.items():
        assert back[name].dtype == dtype and np.array_equal(back[name], array)
    assert pack(document, arrays) == pack(document, arrays)


def test_chunks_refuse_what_a_page_could_not_read():
    with pytest.raises(ValueError, match="float64"):
        pack({}, {"wide": np.zeros(2)})
    with pytest.raises(ValueError):
        pack({"value": float("nan")})


def test_all_pairs_have_details_below_the_limit_and_a_sample_above():
    assert detailed_pairs(5, 5, 1).tolist() == [0, 1, 2, 3, 4]
    drawn = detailed_pairs(1000, 50, 1)
    assert len(set(drawn)) == 50 and (np.diff(drawn) > 0).all() and drawn.max() < 1000
    assert not np.array_equal(drawn, detailed_pairs(1000, 50, 2))


def test_distances_that_fit_a_plane_are_kept():
    places = np.random.default_rng(5).normal(size=(8, 2))
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    found, misfit = place_judges(1 - distance, 1)
    again = np.linalg.norm(found[:, None] - found[None], axis=2)
    np.testing.assert_allclose(again, distance, atol=0.02)
    assert misfit < 0.01


def test_a_judge_without_similarities_has_no_place():
    similarity = np.array([[1, 0.5, np.nan, 0.2], [0.5, 1, np.nan, 0.1], [np.nan] * 4, [0.2, 0.1, np.nan, 1]])
    found, misfit = place_judges(similarity, 1)
    assert np.isnan(found[2]).all() and np.isfinite(found[[0, 1, 3]]).all() and 0 <= misfit < 0.2


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_judges_and_equal_judges_are_placed(n):
    found, _ = place_judges(np.ones((n, n)), 1)
    assert found.shape == (n, 2) and np.isfinite(found).all()
