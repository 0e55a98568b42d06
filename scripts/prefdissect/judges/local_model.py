"""A judge's model on disk or on the hub: what the engines that load it share.

Identity of the weights, checks before anything heavy is imported, the tokenizer, and what to say when loading fails.
Needs only the standard library until a function that loads something is called.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.judges.tokens import where

# All that a folder's answers depend on. A README or a picture beside the weights is not part of the model.
DTYPES = ("auto", "float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda")
# Of vLLM's arguments those that only move work about.
TUNING = ("enable_prefix_caching", "block_size", "disable_log_stats", "use_tqdm_on_load", "max_num_seqs")
TUNING += ("max_num_batched_tokens", "swap_space", "num_gpu_blocks_override", "compilation_config")
PARTS = {".safetensors", ".bin", ".pt", ".json", ".model", ".txt", ".jinja", ".py", ".tiktoken", ".gguf"}


def folder_of(name: str) -> Path | None:
    """The folder that a record's `model` names, or None where it names a model on the hub."""
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None


def source_of(name: str) -> str:
    """What loaders take: the folder's path, or the hub name."""
    return str(folder_of(name) or name)


def check_model(judge: dict, key: str = "model") -> None:
    """Refuse a record whose model cannot be there, before anything heavy is imported. Raises `InputError`."""
    name = judge.get(key)
    if not isinstance(name, str) or not name:
        fix = "a model folder or the name of a model on the hub"
        raise InputError(f"key `{key}` is missing", where=where(judge), fix=fix)
    folder = folder_of(name)
    if folder is None and (name.startswith((".", "/", "~")) or name.count("/") != 1):
        fix = "a folder that is there, or a name on the hub: owner/name"
        raise InputError(f"the model folder `{name}` does not exist", where=where(judge), fix=fix)
    if folder is not None and key == "model" and not (folder / "config.json").is_file():
        raise InputError(f"the model folder `{name}` has no config.json", where=where(judge))


def check_choices(judge: dict) -> None:
    """Refuse an unknown number type or device. Raises `InputError`."""
    for key, allowed in (("dtype", DTYPES), ("device", DEVICES)):
        if judge.get(key, "auto") not in allowed:
            fix = f"one of {', '.join(allowed)}"
            raise InputError(f"key `{key}`: `{judge[key]}` is unknown", where=where(judge), fix=fix)


def check_whole(judge: dict, *keys: str) -> None:
    """Refuse values that are no whole number of at least 1. Raises `InputError`."""
    for key in keys:
        value = judge.get(key)
        if value is not None and (type(value) is not int or value < 1):
            raise InputError(f"key `{key}` is {value!r}", where=where(judge), fix="a whole number of at least 1")


def identity_of(judge: dict) -> dict:
    """All of a local judge's record that its answers depend on; prompt and sample number come on top.

    The engine is no part of it: engines that load the same weights are held to equal answers by the tests. Numbers of
    devices, batch sizes and limits are none either.

    Raises
    ------
    InputError
        When the model cannot be found.
    """
    check_model(judge)
    identity = {"model": fingerprint(judge, judge["model"], judge.get("revision"))}
    if judge.get("tokenizer"):
        check_model(judge, "tokenizer")
        identity["tokenizer"] = fingerprint(judge, judge["tokenizer"], None)
    dtype = judge.get("dtype") or "auto"
    identity["dtype"] = _own_dtype(judge, identity["model"]) if dtype == "auto" else dtype
    arguments = {key: value for key, value in (judge.get("engine_args") or {}).items() if key not in TUNING}
    settings = {key: judge.get(key) or None for key in ("quantization", "chat_template_kwargs")}
    return identity | settings | {"engine_args": arguments or None}


def pinned(identity: dict) -> dict:
    """What a record says in other words than its identity: commits for branches, and the number type for `auto`."""
    found = {"dtype": identity["dtype"]}
    for key, part in (("revision", identity["model"]), ("tokenizer_revision", identity.get("tokenizer", ""))):
        if not part.startswith("sha256:") and "@" in part:
            found[key] = part.rpartition("@")[2]
    return found


def _own_dtype(judge: dict, model: str) -> str:
    """Number type that the model's files state, which `auto` means whatever the engine and the device.

    vLLM by itself would take bfloat16 for a float32 model on a GPU, and transformers float32.
    """
    config = _config(judge, model)
    parts = (config, config.get("text_config") or {})
    stated = next((part[key] for part in parts for key in ("dtype", "torch_dtype") if part.get(key)), "auto")
    return str(stated).removeprefix("torch.")


def _config(judge: dict, model: str) -> dict:
    folder = folder_of(judge["model"])
    if folder is None:
        import huggingface_hub

        commit = model.rpartition("@")[2]
        path = Path(huggingface_hub.hf_hub_download(judge["model"], "config.json", revision=commit))
    else:
        path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # a damaged folder: the loader will say what is wrong with it as well
        raise InputError(load_problem(judge, error), where=where(judge), fix=load_fix(judge["model"])) from None
    return config if isinstance(config, dict) else {}


def fingerprint(judge: dict, name: str, revision: str | None) -> str:
    """Identity of a model or tokenizer: hash of a folder's content, or hub name and commit. Raises `InputError`."""
    folder = folder_of(name)
    if folder is not None:
        return f"sha256:{folder_hash(folder)}"
    return f"{name}@{_commit(judge, name, revision)}"


def folder_hash(folder: Path) -> str:
    """SHA-256 over names and contents of a model's files; the folder's own name and place do not count.

    Large files are read once: their hash is kept beside the user's other caches by path, size and time of change.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in PARTS)
    memo = _Memo()
    with ThreadPoolExecutor(8) as pool:
        hashes = list(pool.map(memo.file_hash, files))
    memo.save()
    digest = hashlib.sha256()
    for path, each in zip(files, hashes, strict=True):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{each}\n".encode())
    return digest.hexdigest()


class _Memo:
    """Hashes of large files by path, size and time of change."""

    LARGE = 2**26

    def __init__(self):
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self.path = root / "prefdissect" / "file_hashes.json"
        self.known: dict[str, str] = self._load()
        self.found: dict[str, str] = {}

    def _load(self) -> dict[str, str]:
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # a memory that cannot be read is an empty one
            return {}
        return known if isinstance(known, dict) else {}

    def file_hash(self, path: Path) -> str:
        stat = path.stat()
        key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        if key in self.known:
            return self.known[key]
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        if stat.st_size >= self.LARGE:
            self.found[key] = digest
        return digest

    def save(self) -> None:
        if not self.found:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            temporary.write_text(json.dumps(self._load() | self.found), encoding="utf-8")
            os.replace(temporary, self.path)
        except OSError:  # only costs the time to read the file again
            return


def _commit(judge: dict, name: str, revision: str | None) -> str:
    """The commit that a revision of a model on the hub stands for; without a network, the one in the local cache."""
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    if revision and len(revision) == 40 and all(digit in "0123456789abcdef" for digit in revision):
        return revision
    try:
        return huggingface_hub.HfApi().model_info(name, revision=revision, timeout=30).sha
    except Exception as error:  # offline, or a failure of the network, which each version of the client words anew
        reason = f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
        if isinstance(error, HfHubHTTPError) and error.response is not None and error.response.status_code == 404:
            problem = f"the hub has no model `{name}`" + (f", revision {revision}" if revision else "")
            fix = "check the name, the revision and the access rights"
            raise InputError(problem, where=where(judge), fix=fix) from error
    cached = huggingface_hub.try_to_load_from_cache(name, "config.json", revision=revision)
    if not isinstance(cached, str):
        fix = "download it first, or give a folder as `model`"
        at = f", revision {revision}," if revision else ""
        problem = f"the model `{name}`{at} is not in the local cache, and the hub cannot be reached ({reason})"
        raise InputError(problem, where=where(judge), fix=fix)
    return Path(cached).parent.name


def load_tokenizer(judge: dict):
    """The judge's tokenizer. Raises `InputError`."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    name = judge.get("tokenizer") or judge["model"]
    revision = judge.get("tokenizer_revision" if judge.get("tokenizer") else "revision")
    try:
        return transformers.AutoTokenizer.from_pretrained(
            source_of(name), revision=revision, trust_remote_code=bool(judge.get("trust_remote_code", False))
        )
    except Exception as error:  # loaders of damaged files raise nearly anything
        problem = load_problem(judge, error, "tokenizer of the model")
        raise InputError(problem, where=where(judge), fix=load_fix(source_of(name))) from error


def load_problem(judge: dict, error: Exception, what: str = "model") -> str:
    """One line for a model that cannot be loaded."""
    revision = f", revision {judge['revision']}" if judge.get("revision") else ""
    lines = str(error).strip().splitlines() or [""]
    return f"the {what} `{judge['model']}`{revision} cannot be loaded: {type(error).__name__}: {lines[0]}"


def load_fix(source: str) -> str:
    """What would be right where a model cannot be loaded."""
    if Path(source).is_dir():
        return "a complete Hugging Face folder: config.json, tokenizer files, safetensors"
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return "HF_HUB_OFFLINE is set, so the model must be in the local cache or a folder"
    return "check the name, the revision, the network and the access rights"


def longest_prompt(judge: dict, config, tokenizer, room: int = 0) -> int:
    """Longest prompt in tokens: the record's `max_length`, or else what the model takes less `room` for the answer.

    Raises
    ------
    InputError
        When there is no limit, or the record's is beyond the model's.
    """
    config = config.get_text_config() if hasattr(config, "get_text_config") else config
    own = getattr(config, "max_position_embeddings", None) or getattr(config, "max_seq_len", None)
    if own is None and tokenizer.model_max_length < 10**9:
        own = tokenizer.model_max_length
    asked = judge.get("max_length")
    if own is None and asked is None:
        raise InputError("the model states no longest input", where=where(judge), fix="give `max_length` in tokens")
    if own is not None and asked is not None and asked > own:
        raise InputError(f"key `max_length` is {asked}, and the model takes {own} tokens", where=where(judge))
    if own is not None and own <= room:
        problem = f"key `max_tokens` is {room}, and the model takes {own} tokens with the prompt"
        raise InputError(problem, where=where(judge), fix="a smaller number")
    return min(asked or own, own - room) if own is not None else asked


def check_vocabulary(judge: dict, prompts: list, size: int) -> None:
    """Refuse prompts or answers with a token that the model does not know. Raises `InputError`."""
    tokens = ([int(each.tokens.max(initial=0)), *each.first, *each.second] for each in prompts)
    highest = max(map(max, tokens), default=0)
    if highest >= size:
        problem = f"the tokenizer gives token {highest}, and the model knows only {size}"
        raise InputError(problem, where=where(judge), fix="tokenizer and model must belong together")


def files_of(judge: dict) -> Path | None:
    """Folder with the model's files: the record's own, or the hub's local copy; None where it is not here yet."""
    folder = folder_of(judge["model"])
    if folder is not None:
        return folder
    import huggingface_hub

    cached = huggingface_hub.try_to_load_from_cache(judge["model"], "config.json", revision=judge.get("revision"))
    return Path(cached).parent if isinstance(cached, str) else None


def count_parameters(judge: dict) -> int | None:
    """Weights of a model that is here, from the headers of its safetensors files; None where there are none."""
    folder = files_of(judge)
    files = sorted(folder.glob("*.safetensors")) if folder else []
    return sum(map(_weights_in, files)) if files else None


def _weights_in(path: Path) -> int:
    return sum(math.prod(entry["shape"]) for entry in tensors_in(path).values())


def tensors_in(path: Path) -> dict[str, dict]:
    """Tensors by name, from the header of a safetensors file: eight bytes of its length, then JSON."""
    with path.open("rb") as handle:
        header = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
    return {name: entry for name, entry in header.items() if name != "__metadata__"}
