"""The process that fine-tunes, started with the interpreter of the environment that has TRL and PEFT:

    PYTHONPATH=scripts python -m prefdissect.manipulation.tuner SETTINGS.json DATA.jsonl FOLDER

SETTINGS.json holds `model`, `revision`, `style` (how the model is spoken to, `prefdissect.manipulation.generating`) and
the keys of the config's `manipulation.tuning`; DATA.jsonl rows {prompt, turns, chosen, rejected}. FOLDER gets `adapter`
(the LoRA adapter), `merged` (the whole model, for any engine), `training.csv` (the training curve) and `versions.json`.

DPO (Rafailov et al. 2023, arXiv 2305.18290) by TRL, with the model itself, without the adapter, as the reference. Under
`torchrun` several processes share the work, each with a GPU.

Imports only the standard library beside torch, transformers, datasets, trl and peft.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from importlib import metadata
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.judges.prompts import transcript
from prefdissect.judges.worker import ERROR_PREFIX, STATED_ERROR, read_lines, say, stop_with_stdin

# Raised by hand when the same settings and data would give another model.
TUNING_PROTOCOL = 1
PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
CURVE = ("step", "epoch", "loss", "learning_rate", "grad_norm", "rewards/accuracies", "rewards/margins")


def tune(settings: dict, rows: list[dict], folder: Path) -> None:
    """Fine-tune and write the results. Raises `InputError`."""
    from peft import LoraConfig
    from transformers import set_seed
    from trl import DPOTrainer

    set_seed(settings["seed"])
    model, tokenizer = _load(settings)
    lora = LoraConfig(
        r=settings["lora_r"],
        lora_alpha=settings["lora_alpha"],
        lora_dropout=settings["lora_dropout"],
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    data = _dataset(rows, settings["style"])
    arguments = _arguments(settings, folder / "checkpoints", len(rows))
    trainer = DPOTrainer(model=model, args=arguments, train_dataset=data, processing_class=tokenizer, peft_config=lora)
    trainer.train()
    if trainer.is_world_process_zero():
        _write(trainer, tokenizer, folder)


def _load(settings: dict):
    import torch
    import transformers

    name, options = settings["model"], {"revision": settings.get("revision")}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **options)
        dtype = getattr(torch, settings["dtype"])
        model = transformers.AutoModelForCausalLM.from_pretrained(name, dtype=dtype, **options)
    except Exception as error:  # loaders of damaged files raise nearly anything
        reason = (str(error).strip().splitlines() or [""])[0]
        problem = f"the model `{name}` cannot be loaded: {type(error).__name__}: {reason}"
        raise InputError(problem, fix="a complete Hugging Face folder, or the name of a model on the hub") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if not settings["style"]["text"] and not tokenizer.chat_template:
        fix = "give the generator a `template`, such as workflow/prompts/manipulation/alpaca.yaml"
        raise InputError(f"the model `{name}` has no chat template", fix=fix)
    return model, tokenizer


def _dataset(rows: list[dict], style: dict):
    from datasets import Dataset

    return Dataset.from_list([_example(row, style) for row in rows])


def _example(row: dict, style: dict) -> dict:
    """As TRL takes it: messages for a chat template, else texts in the form that the model is asked in later."""
    turns = row.get("turns") or []
    if style["text"]:
        prompt = style["text"].replace("{conversation}", transcript(turns, row["prompt"]))
        return {"prompt": prompt, "chosen": row["chosen"], "rejected": row["rejected"]}
    replies = {key: [{"role": "assistant", "content": row[key]}] for key in ("chosen", "rejected")}
    return {"prompt": [*turns, {"role": "user", "content": row["prompt"]}], **replies}


def _arguments(settings: dict, folder: Path, n_rows: int):
    import torch
    from trl import DPOConfig

    processes = int(os.environ.get("WORLD_SIZE", "1"))
    micro = min(settings["micro_batch"], settings["batch_size"])
    accumulated, rest = divmod(settings["batch_size"], micro * processes)
    if rest:
        problem = (
            f"`batch_size` {settings['batch_size']} is no multiple of `micro_batch` {micro} x {processes} processes"
        )
        raise InputError(problem, where="config key `manipulation.tuning`")
    steps = max(1, round(settings["epochs"] * -(-n_rows // settings["batch_size"])))
    return DPOConfig(
        output_dir=str(folder),
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=accumulated,
        learning_rate=settings["learning_rate"],
        lr_scheduler_type=SCHEDULES[settings["schedule"]],
        warmup_steps=round(settings["warmup"] * steps),
        num_train_epochs=settings["epochs"],
        beta=settings["beta"],
        max_length=settings["max_length"],
        seed=settings["seed"],
        bf16=settings["dtype"] == "bfloat16",
        gradient_checkpointing=torch.cuda.is_available(),
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
    )


def _write(trainer, tokenizer, folder: Path) -> None:
    with (folder / "training.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, CURVE, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(row for row in trainer.state.log_history if "loss" in row)
    model = trainer.accelerator.unwrap_model(trainer.model)
    model.save_pretrained(folder / "adapter")
    merged = model.merge_and_unload()
    merged.save_pretrained(folder / "merged")
    tokenizer.save_pretrained(folder / "merged")
    versions = {name: metadata.version(name) for name in PACKAGES}
    (folder / "versions.json").write_text(json.dumps(versions, indent=1), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run from the command line; returns the exit status."""
    settings, data, folder = (Path(path) for path in arguments)
    stop_with_stdin()
    try:
        tune(json.loads(settings.read_text(encoding="utf-8")), read_lines(data), folder)
    except InputError as error:
        message = str(error)
    except ModuleNotFoundError as error:
        message = f"{sys.executable} lacks the package `{error.name}`: make install-tune"
    else:
        return 0
    say(ERROR_PREFIX + " ".join(message.split()))
    return STATED_ERROR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
