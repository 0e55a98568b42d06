"""Bad input stops a study early, with one message that says where and what is right, and leaves nothing behind."""

from __future__ import annotations

import pytest

from running import snakemake, tiny_pairs, tiny_study, write_jsonl

pytestmark = pytest.mark.study


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"judgez": []}, "config key `judgez` is unknown"),
        ({"annotators": None}, "config key `annotators`"),
        ({"judges": [{"name": "a/b", "kind": "rule", "rule": "coin"}]}, "config key `judges[0].name` is 'a/b'"),
    ],
)
def test_config_faults_stop_before_any_job(tmp_path, change, message):
    run = snakemake(tmp_path, tiny_study(tmp_path) | change)
    assert run.code != 0 and message in run.output
    assert "Traceback" not in run.output
    assert not (tmp_path / "results").exists()


def broken(row: int, **change):
    pairs = tiny_pairs()
    pairs[row] |= change
    return pairs


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (broken(4, response_b=None), ["pairs.jsonl: line 5", "response_b"]),
        (broken(4, winner="left"), ["pairs.jsonl: line 5", "winner", "left"]),
    ],
)
def test_data_faults_stop_the_import_and_leave_nothing(tmp_path, pairs, message):
    config = tiny_study(tmp_path)
    write_jsonl(tmp_path / "pairs.jsonl", pairs)
    run = snakemake(tmp_path, config)
    assert run.code != 0
    told = [line for line in run.output.splitlines() if line.startswith("Error: ")]
    assert len(told) == 1 and all(part in told[0] for part in message), run.output
    assert not list((tmp_path / "results").rglob("*.parquet"))
    assert "judge_by_rule" not in {path.parent.name for path in (tmp_path / "results").rglob("*.log")}


def test_a_recorded_judge_without_a_usable_group_stops_before_the_model(tmp_path):
    config = tiny_study(tmp_path)
    write_jsonl(tmp_path / "pairs.jsonl", [pair | {"winner": "a"} for pair in tiny_pairs()])
    config["judges"].append({"name": "model", "kind": "transformers", "random_model": {"hidden_size": 64, "layers": 1}})
    run = snakemake(tmp_path, config, cores=2)
    assert run.code != 0
    assert "judge `human` has no usable group" in run.output and "labels are a" in run.output
    assert not (tmp_path / "results/tiny/judgements/model.parquet").exists()
