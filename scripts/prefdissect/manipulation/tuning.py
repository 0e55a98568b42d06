"""Fine-tune a model in a process of the environment that has TRL and PEFT, and keep where its results come from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.files import write_text
from prefdissect.judges.devices import claim_gpus
from prefdissect.judges.processes import LIBRARY, to_stderr
from prefdissect.judges.requests import read_turns
from prefdissect.judges.worker import ERROR_PREFIX, write_lines
from prefdissect.manipulation.generating import style_of
from prefdissect.provenance import file_hash, to_json

TUNER = "prefdissect.manipulation.tuner"


def find_tuner(configured: str, project: Path) -> str:
    """Python that fine-tunes: as configured, else `.venv-tune` where it exists, else the current one.

    Raises
    ------
    InputError
        When the configured one is not there.
    """
    own = project / ".venv-tune" / "bin" / "python"
    chosen = configured or (str(own) if own.exists() else sys.executable)
    if not os.access(Path(chosen).expanduser(), os.X_OK):
        raise InputError(f"config key `tune_python`: `{chosen}` is no program", fix="a Python interpreter")
    return str(Path(chosen).expanduser().absolute())


def tune(
    record: dict,
    rows: pd.DataFrame,
    settings: dict,
    folder: str | Path,
    interpreter: str,
    gpus: int = 0,
    log: Callable[[str], None] = to_stderr,
) -> None:
    """Fine-tune a generator's model.

    Parameters
    ----------
    record
        The generator's record.
    rows
        `preference_data`.
    settings
        The config's `manipulation.tuning`.
    folder
        Where `adapter`, `merged`, `training.csv`, `data.jsonl` and `provenance.json` go; it appears complete, or not
        at all.
    interpreter
        See `find_tuner`.
    gpus
        How many to train on; 0 for the CPU.
    log
        Receives the process's output, line by line.

    Raises
    ------
    InputError
        With the process's own message when it stops on a user's fault, else with how it ended.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        asked = settings | {key: record.get(key) for key in ("model", "revision")} | {"style": style_of(record)}
        write_text(temporary / "settings.json", json.dumps(asked, indent=1))
        write_lines(temporary / "data.jsonl", _rows(rows))
        with claim_gpus(gpus, f"generator `{record['name']}`", log) as devices:
            _run(_command(interpreter, temporary, gpus), devices, record["name"], log)
        shutil.rmtree(temporary / "checkpoints", ignore_errors=True)
        write_text(temporary / "provenance.json", to_json(_provenance(temporary, asked, len(rows))))
        temporary.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _rows(rows: pd.DataFrame) -> list[dict]:
    return [
        {**row, "turns": read_turns(row["turns"], f"pair `{row['pair_id']}`, column `turns`")}
        for row in rows.to_dict("records")
    ]


def _command(interpreter: str, folder: Path, gpus: int) -> list[str]:
    several = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={gpus}"] if gpus > 1 else []
    files = [str(folder / name) for name in ("settings.json", "data.jsonl")]
    return [interpreter, *several, "-m", TUNER, *files, str(folder)]


def _run(command: list[str], devices: list[str] | None, name: str, log: Callable[[str], None]) -> None:
    environment = os.environ | {"PYTHONPATH": str(LIBRARY), "CUDA_VISIBLE_DEVICES": ",".join(devices or [])}
    # Whatever ends this process closes the other's stdin, which ends that one with all that it started.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, **pipes, env=environment, text=True, errors="replace", start_new_session=True)
    stated, last = None, ""
    try:
        for line in process.stdout:
            last = line.rstrip() or last
            stated = last.removeprefix(ERROR_PREFIX) if last.startswith(ERROR_PREFIX) else stated
            log(line.rstrip())
    finally:
        if sys.exc_info()[0] is not None:
            process.stdin.close()
        status = process.wait()
    if status:
        fix = "its whole output is in the log"
        raise InputError(
            stated or f"fine-tuning ended with status {status}: {last}", where=f"generator `{name}`", fix=fix
        )


def _provenance(folder: Path, settings: dict, n_rows: int) -> dict:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "provenance.json"]
    hashes = {path.relative_to(folder).as_posix(): file_hash(str(path)) for path in files}
    versions = json.loads((folder / "versions.json").read_text(encoding="utf-8"))
    return {"settings": settings, "pairs": n_rows, "packages": versions, "files": hashes}
