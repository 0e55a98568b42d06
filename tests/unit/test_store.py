"""The partial store: what it keeps, what it asks again, and what a torn or damaged file does to it."""

from __future__ import annotations

import pytest

from prefdissect.judges.answers import scored, unanswered, worded
from prefdissect.judges.store import Store

IDENTITY = {"model": "m"}


def fill(store: Store, **answers) -> None:
    store.append(answers.items())
    store.close()


def test_answers_come_back_exactly(tmp_path):
    first = scored("x", -0.1234567890123456789, -7.1e-9, n_tokens=12, truncated=False)
    fill(Store(tmp_path, IDENTITY), k=first, w=worded("y", "A\n\u2028\ud83d", n_tokens=3, n_output=1))
    found = Store(tmp_path, IDENTITY).load(["k", "w", "other"])
    assert found["k"] | {"id": "x"} == first and found["w"]["text"] == "A\n\u2028\ud83d" and len(found) == 2


def test_another_identity_knows_nothing(tmp_path):
    fill(Store(tmp_path, IDENTITY), k=scored("x", -1.0, -2.0, n_tokens=1))
    assert Store(tmp_path, {"model": "n"}).load(["k"]) == {}


@pytest.mark.parametrize("status", ["failed", "refused"])
def test_a_failure_is_no_answer_and_only_a_join_of_shards_reads_it(tmp_path, status):
    fill(Store(tmp_path, IDENTITY), k=unanswered("x", status, note="first"))
    fill(Store(tmp_path, IDENTITY), k=unanswered("x", status, note="second"))
    assert Store(tmp_path, IDENTITY).load(["k"]) == {}
    assert Store(tmp_path, IDENTITY).load(["k"], failures=True)["k"]["note"] == "second"
    fill(Store(tmp_path, IDENTITY), k=scored("x", -1.0, -2.0, n_tokens=1))
    assert Store(tmp_path, IDENTITY).load(["k"], failures=True)["k"]["status"] == "ok"


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_line_cut_by_a_kill_is_asked_again_and_the_others_stay(tmp_path, cut):
    fill(Store(tmp_path, IDENTITY), a=scored("x", -1.0, -2.0, n_tokens=1), b=scored("y", -1.0, -2.0, n_tokens=1))
    [path] = tmp_path.rglob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-cut])
    store = Store(tmp_path, IDENTITY)
    assert set(store.load("ab")) == {"a"} and store.damaged == 1
    fill(store, b=scored("y", -1.5, -2.0, n_tokens=1))
    assert Store(tmp_path, IDENTITY).load("ab")["b"]["logp_first"] == -1.5


def test_a_flipped_bit_is_noticed(tmp_path):
    fill(Store(tmp_path, IDENTITY), a=scored("x", -1.0, -2.0, n_tokens=1))
    [path] = tmp_path.rglob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"-2.0", b"-3.0"))
    store = Store(tmp_path, IDENTITY)
    assert store.load("a") == {} and store.damaged == 1


def test_of_two_answers_the_earlier_counts_whoever_comes_later(tmp_path):
    one, two = Store(tmp_path, IDENTITY), Store(tmp_path, IDENTITY)
    fill(one, a=scored("x", -1.0, -2.0, n_tokens=1))
    fill(two, a=scored("x", -1.1, -2.0, n_tokens=1))
    assert len(list(tmp_path.rglob("*.jsonl"))) == 2, "no two writers share a file"
    assert Store(tmp_path, IDENTITY).load("a")["a"]["logp_first"] == -1.0


def test_limits_count_where_they_touched_the_answer(tmp_path):
    limited = Store(tmp_path, IDENTITY, (100, "truncate_responses"))
    fill(
        limited,
        whole=scored("x", -1.0, -2.0, n_tokens=90),
        cut=scored("y", -1.0, -2.0, n_tokens=100, truncated=True),
        long=unanswered("z", "too_long", n_tokens=300),
    )
    keys = ["whole", "cut", "long"]

    def known(*limits) -> set[str]:
        return set(Store(tmp_path, IDENTITY, limits).load(keys))

    assert known(100, "truncate_responses") == {"cut", "long"}, "the other order of `whole` might have to be cut"
    assert known(None, "truncate_responses") == {"whole"}
    assert known(100, "mark") == known(200, "mark") == known(None, "mark") == {"whole"}
    assert known(80, "mark") == set(), "a prompt that was answered whole is too long now"


def test_a_store_that_cannot_be_written_names_itself(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(OSError) as caught:
        Store(blocked, IDENTITY).append([("k", scored("x", -1.0, -2.0, n_tokens=1))])
    assert str(blocked) in str(caught.value.filename)


def test_speed_of_the_last_run(tmp_path):
    store = Store(tmp_path, IDENTITY)
    assert store.last_speed() is None
    fill(store, a=scored("x", -1.0, -2.0, n_tokens=1))
    store.remember_speed(12.345)
    assert Store(tmp_path, IDENTITY).last_speed() == 12.35 or Store(tmp_path, IDENTITY).last_speed() == 12.34
