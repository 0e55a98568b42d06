"""What would run, and why: a finished study is at rest, and an edit redoes only what it touches."""

from __future__ import annotations

import zipfile

import pytest

from running import snakemake, tiny_study

pytestmark = pytest.mark.study
DRAWN = {"plot_degree", "plot_effects", "plot_similarity", "plot_quality"}
DOWNSTREAM = {"combine_preferences", "fit_coefficients", "compare_judges", "contrast_judges"} | DRAWN
PUBLISHED = {"write_tables", "write_findings", "write_explorer", "write_provenance"}


def plan(folder, config, *arguments):
    run = snakemake(folder, config, "--dry-run", *arguments)
    assert run.code == 0, run.output
    return set(run.jobs)


@pytest.fixture
def config(copy, finished):
    """The study's config as it was when it was run (its paths lie in the first folder)."""
    return tiny_study(finished)


def test_second_run_does_nothing(copy, config):
    run = snakemake(copy, config, "--dry-run")
    assert run.jobs == {} and "Nothing to be done" in run.output


def test_adding_a_judge_adds_its_job_and_what_compares_judges(copy, config):
    config["judges"].append({"name": "shorter", "kind": "rule", "rule": "shorter"})
    run = snakemake(copy, config, "--dry-run")
    assert run.jobs["judge_by_rule"] == 1
    assert set(run.jobs) == {"judge_by_rule"} | DOWNSTREAM | PUBLISHED


def test_changing_one_judge_leaves_the_others_alone(copy, config):
    config["judges"][2]["seed"] = 5
    run = snakemake(copy, config, "--dry-run")
    assert run.jobs["judge_by_rule"] == 1


def test_a_statistics_setting_redoes_no_measurement(copy, config):
    config["regression"]["resamples"] = 11
    assert plan(copy, config) == (DOWNSTREAM - {"combine_preferences"}) | PUBLISHED


def test_judges_to_show_redo_what_shows_them(copy, config):
    config["figures"] = {"judges": ["human"]}
    # The printed tables show them too, and the figures of the data are drawn from tables.
    redone = {"plot_degree", "plot_effects", "write_tables", "plot_quality", "write_findings", "write_provenance"}
    redone.add("write_explorer")
    assert plan(copy, config) == redone


def test_the_look_of_figures_redoes_figures(copy, config):
    config["figures"] = {"width": 85, "palette": "grey"}
    assert plan(copy, config) == DRAWN | {"write_findings", "write_provenance"}


def test_a_pair_to_take_apart_adds_one_job(copy, config):
    config["figures"] = {"pairs": ["p003"]}
    assert plan(copy, config) == {"plot_pairs", "write_findings", "write_provenance"}


def test_changed_data_redo_the_import_and_touched_data_nothing(copy, config, finished):
    data = finished / "pairs.jsonl"
    before = data.read_text(encoding="utf-8")
    try:
        data.touch()
        assert plan(copy, config) == set()
        data.write_text(before.replace("birthday", "greeting"), encoding="utf-8")
        assert {"import_source", "judge_by_rule", "fit_coefficients"} <= plan(copy, config)
    finally:
        data.write_text(before, encoding="utf-8")


def test_an_annotator_setting_leaves_judges_alone(copy, config):
    config["annotators"][0]["properties"] = ["lengthy"]
    jobs = plan(copy, config)
    assert {"annotate_lexically", "build_features", "fit_coefficients"} <= jobs
    assert not jobs & {"judge_by_rule", "import_source", "import_judgements"}


def test_frozen_measurements_need_no_judge_and_give_the_same_tables(copy, config, tmp_path):
    frozen = snakemake(copy, config, "freeze")
    assert frozen.code == 0, frozen.output
    archive = copy / "results" / "tiny" / "measurements.zip"
    fresh = tmp_path / "laptop"
    fresh.mkdir()
    config |= {"measurements": "frozen", "archive": str(archive)}
    run = snakemake(fresh, config, "--dry-run")
    assert run.code == 0, run.output
    assert "unpack_measurements" in run.jobs
    assert not set(run.jobs) & {"import_source", "import_judgements", "judge_by_rule", "annotate_lexically"}
    rules = snakemake(fresh, config, "--list-rules")
    assert "judge_by_rule" not in rules.output and "fit_coefficients" in rules.output
    done = snakemake(fresh, config, cores=2)
    assert done.code == 0, done.output
    for name in ("effects", "similarity", "judge_datasheet"):
        table = f"results/tiny/tables/{name}.csv"
        assert (fresh / table).read_bytes() == (copy / table).read_bytes(), name


def test_a_damaged_archive_is_refused(copy, config, tmp_path):
    assert snakemake(copy, config, "freeze").code == 0
    archive = copy / "results" / "tiny" / "measurements.zip"
    with zipfile.ZipFile(archive) as whole:
        contents = {name: whole.read(name) for name in whole.namelist()}
    contents["preferences.parquet" if "preferences.parquet" in contents else "pairs.parquet"] += b"x"
    with zipfile.ZipFile(archive, "w") as broken:
        for name, data in contents.items():
            broken.writestr(name, data)
    fresh = tmp_path / "laptop"
    fresh.mkdir()
    run = snakemake(fresh, config | {"measurements": "frozen", "archive": str(archive)})
    assert run.code != 0 and "is damaged: its checksum differs" in run.output
    assert not (fresh / "results" / "tiny" / "pairs.parquet").exists()
