"""The archive of measurements: there and back, the same bytes, and archives that are damaged or foreign."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from prefdissect.errors import InputError
from prefdissect.freezing import FORMAT, MANIFEST, freeze, frozen_judges, unpack

JUDGES = [{"name": "GPT-4", "label": "GPT-4/Vanilla", "kind": "recorded", "attributes": {"size": None, "é": "裁"}}]
FILES = {"pairs.parquet": b"pairs", "judgements/a.parquet": b"\x00\xff" * 5000, "sources/x/notes.json": b""}


@pytest.fixture
def study(tmp_path) -> Path:
    """Folder of a study with measured tables."""
    for name, content in FILES.items():
        (tmp_path / "live" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "live" / name).write_bytes(content)
    return tmp_path / "live"


def archived(study: Path, name: str = "m.zip", judges=JUDGES) -> str:
    path = study.parent / name
    freeze(str(study), [str(study / file) for file in FILES], "mine", judges, str(path))
    return str(path)


def unpacked(archive: str, folder: Path) -> dict[str, bytes]:
    unpack(archive, str(folder), [str(folder / name) for name in FILES])
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def fault(archive: str | Path, folder: Path) -> str:
    """The message about an archive; nothing may be written."""
    with pytest.raises(InputError) as caught:
        unpacked(str(archive), folder)
    assert not folder.exists()
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{archive}: ")
    return message.removeprefix(f"{archive}: ")


def forge(path: Path, contents: dict[str, bytes], **manifest) -> Path:
    """Write an archive by hand; keys of the manifest are replaced or, where None, left out."""
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    record = {"format": FORMAT, "study": "mine", "judges": JUDGES, "sha256": sums, **manifest}
    record = {key: value for key, value in record.items() if value is not None}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MANIFEST, json.dumps(record))
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def test_there_and_back(study, tmp_path):
    archive = archived(study)
    assert unpacked(archive, tmp_path / "frozen") == FILES
    assert frozen_judges(archive) == JUDGES


def test_only_what_is_wanted_is_written(study, tmp_path):
    unpack(archived(study), str(tmp_path / "f"), [str(tmp_path / "f" / "pairs.parquet")])
    assert [file.name for file in (tmp_path / "f").rglob("*")] == ["pairs.parquet"]


def test_the_same_input_gives_the_same_bytes(study):
    first = Path(archived(study, "1.zip")).read_bytes()
    for file in FILES:
        (study / file).touch()
    path = study.parent / "2.zip"
    freeze(str(study), [str(study / file) for file in reversed(FILES)], "mine", JUDGES, str(path))
    assert path.read_bytes() == first
    assert Path(archived(study, "3.zip", judges=[])).read_bytes() != first


def test_a_failed_freeze_leaves_no_archive(study):
    (study / "pairs.parquet").unlink()
    with pytest.raises(FileNotFoundError):
        archived(study)
    assert [path.name for path in study.parent.iterdir()] == ["live"]


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all", b"PK\x03\x04" + b"\0" * 100])
def test_a_file_that_is_no_archive(tmp_path, content):
    (tmp_path / "m.zip").write_bytes(content)
    message = fault(tmp_path / "m.zip", tmp_path / "f")
    assert message.startswith("not a complete archive of measurements: ") and "snakemake freeze" in message
    with pytest.raises(InputError, match="not a complete archive"):
        frozen_judges(str(tmp_path / "m.zip"))


def test_a_missing_archive(tmp_path):
    assert "No such file" in fault(tmp_path / "none.zip", tmp_path / "f")


def test_a_truncated_archive(study, tmp_path):
    whole = Path(archived(study)).read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 30)):
        (tmp_path / "cut.zip").write_bytes(whole[:length])
        assert fault(tmp_path / "cut.zip", tmp_path / "f").startswith("not a complete archive of measurements: ")


def test_a_damaged_byte_never_reaches_the_tables(study, tmp_path):
    whole = Path(archived(study)).read_bytes()
    refused = 0
    for position in range(0, len(whole), 3):
        (tmp_path / "bad.zip").write_bytes(whole[:position] + bytes([whole[position] ^ 0x5A]) + whole[position + 1 :])
        try:
            assert unpacked(str(tmp_path / "bad.zip"), tmp_path / f"f{position}") == FILES
        except InputError as caught:
            refused += 1
            assert str(caught).startswith(f"{tmp_path / 'bad.zip'}: ")
            assert not (tmp_path / f"f{position}").exists()
    assert refused > len(whole) / 3 / 4


def test_a_file_whose_content_was_exchanged(tmp_path):
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    forge(tmp_path / "m.zip", {**FILES, "pairs.parquet": b"other"}, sha256=sums)
    assert fault(tmp_path / "m.zip", tmp_path / "f") == (
        "`pairs.parquet` is damaged: its checksum differs from the manifest"
    )


def test_a_file_that_was_taken_out(tmp_path):
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    for name in FILES:  # one of them is empty, so its checksum alone would not tell
        forge(tmp_path / "m.zip", {other: data for other, data in FILES.items() if other != name}, sha256=sums)
        assert fault(tmp_path / "m.zip", tmp_path / "f").startswith(f"`{name}` is missing from it")


def test_a_file_that_was_put_in_is_not_believed(tmp_path):
    path = forge(tmp_path / "m.zip", FILES, sha256={})
    assert fault(path, tmp_path / "f") == (
        "it does not hold `pairs.parquet` (the study must list the sources, judges and annotators that were frozen)"
    )


def test_a_study_that_needs_more_than_was_frozen(tmp_path):
    path = forge(tmp_path / "m.zip", {"pairs.parquet": b"x"})
    assert fault(path, tmp_path / "f").startswith("it does not hold `judgements/a.parquet`")


def test_names_that_lead_out_of_the_folder_are_never_written(tmp_path):
    forge(tmp_path / "m.zip", {**FILES, "../evil": b"x", "/evil": b"x"})
    unpacked(str(tmp_path / "m.zip"), tmp_path / "f")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"format": "other 2"}, f"it is of another format (expected '{FORMAT}')"),
        ({"format": None}, "it is of another format"),
        ({"sha256": None}, "its `manifest.json` is damaged"),
        ({"sha256": ["x"]}, "its `manifest.json` is damaged"),
        ({"judges": None}, "its `manifest.json` is damaged"),
        ({"judges": ["GPT-4"]}, "its `manifest.json` is damaged"),
    ],
)
def test_a_foreign_manifest(tmp_path, manifest, message):
    path = forge(tmp_path / "m.zip", FILES, **manifest)
    assert fault(path, tmp_path / "f").startswith(message)
    with pytest.raises(InputError):
        frozen_judges(str(path))


@pytest.mark.parametrize("manifest", [None, b"", b"{", b"\xff", b"[]", b"3"])
def test_a_zip_without_a_manifest(tmp_path, manifest):
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("pairs.parquet", b"x")
        if manifest is not None:
            archive.writestr(MANIFEST, manifest)
    message = fault(tmp_path / "m.zip", tmp_path / "f")
    assert message.startswith(("it holds no `manifest.json`", "it is of another format"))
