"""What the worker does for a model that writes outputs: it asks turn by turn, for a later one builds on the earlier.

JUDGE.json holds the model's record, and under `generation` how it is spoken to; REQUESTS.jsonl holds questions {id,
system, texts}: a system message or None, and the user's messages. ANSWERS.jsonl has one outcome per question:

    {id, status, outputs, cut, n_tokens, n_output, note}

`ok` with one output per message; else the status of the turn that had no answer, and the outputs before it. `cut` says
of every output whether `max_tokens` ended it. Equal questions share their requests.

Imports only the standard library and yaml beside the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from prefdissect.judges.prompts import Template, own_prompts, own_texts, transcript
from prefdissect.judges.store import request_key
from prefdissect.judges.worker import SAMPLING, Job

# Raised by hand when the same record would write otherwise, as `PROTOCOL` of the judges.
GENERATION_PROTOCOL = 1

# What a plan takes for an earlier answer that is not known yet.
USUAL_WORDS = "word " * 200


class GenerationJob(Job):
    """A model and the questions it answers, with the answers that are known already; `Job` says more."""

    unit = "outputs"

    def __init__(self, judge: dict, questions: list[dict], store_root: Path | None, stored_only: bool = False):
        self.style = judge.pop("generation")
        self.questions = {question["id"]: question for question in questions}
        self.asked: dict[str, list[dict]] = {identity: [] for identity in self.questions}
        super().__init__(judge, [], store_root, stored_only)
        self.advance()

    def _template(self) -> Template:
        return own_texts() if self.style["text"] else own_prompts()

    def _identity(self) -> dict:
        sampling = {key: self.judge.get(key) for key in SAMPLING}
        style = "text" if self.style["text"] else "chat"
        return {"generation": [GENERATION_PROTOCOL, style], **self.engine.identify(self.judge), "sampling": sampling}

    def advance(self) -> None:
        """Make the requests that the answers so far call for."""
        while fresh := self._fresh():
            self.add([request for key, request in fresh.items() if key not in self.keys])

    def _fresh(self) -> dict[str, dict]:
        found = {}
        for identity, question in self.questions.items():
            asked = self.asked[identity]
            outputs = self._outputs(asked)
            if len(outputs) == len(asked) < len(question["texts"]):
                request = self._request(question, outputs)
                asked.append(request)
                found[request["id"]] = request
        return found

    def _outputs(self, asked: list[dict]) -> list[str]:
        """Outputs to the turns asked so far, up to the first that has none."""
        known = [self.known.get(self.keys.get(request["id"], "")) for request in asked]
        count = next((number for number, answer in enumerate(known) if not answer or answer["status"] != "ok"), None)
        return [answer["text"] for answer in known[:count]]

    def _request(self, question: dict, outputs: list[str]) -> dict:
        """One turn; its id names the content, so that a drawn output does not depend on what it was asked for."""
        texts = question["texts"][: len(outputs) + 1]
        earlier = [{"role": "user", "content": text} for text in texts[:-1]]
        replies = [{"role": "assistant", "content": output} for output in outputs]
        turns = [turn for pair in zip(earlier, replies, strict=True) for turn in pair]
        system, sample = question["system"], question.get("sample", 0)
        if self.style["text"]:
            request = {"pieces": self._raw(system, transcript(turns, texts[-1])), "sample": sample}
        elif system and self.style["system"] == "user":
            first = [turn["content"] for turn in turns[:1]] or texts[-1:]
            told = f"{system}\n\n{first[0]}"
            turns = [{"role": "user", "content": told}, *turns[1:]] if turns else []
            request = {"pieces": ["", texts[-1] if turns else told, ""], "turns": turns, "sample": sample}
        else:
            before = [{"role": "system", "content": system}] if system else []
            request = {"pieces": ["", texts[-1], ""], "turns": [*before, *turns], "sample": sample}
        request["turns"] = request.get("turns") or None
        return {"id": request_key(request), "schema": None, **request}

    def _raw(self, system: str | None, conversation: str) -> list[str]:
        """Our text and users' text by turns, for a model without a chat template."""
        opening = self.style["system_text"].replace("{system}", system) if system else ""
        before, _, after = self.style["text"].partition("{conversation}")
        return [opening + before, conversation, after]

    def guessed(self) -> list[dict]:
        """For a plan: later turns, with an answer of usual length before them."""
        requests = {}
        for identity, question in self.questions.items():
            outputs = self._outputs(self.asked[identity])
            for number in range(len(self.asked[identity]), len(question["texts"])):
                request = self._request(question, (outputs + [USUAL_WORDS] * number)[:number])
                requests[request["id"]] = request
        return list(requests.values())

    def answers(self) -> Iterator[dict]:
        """The outcome of every question, in their order."""
        for identity, asked in self.asked.items():
            known = [self.known[self.keys[request["id"]]] for request in asked]
            last = known[-1]
            counts = {key: sum(answer.get(key) or 0 for answer in known) for key in ("n_tokens", "n_output")}
            cut = [bool(answer.get("cut")) for answer in known if answer["status"] == "ok"]
            outcome = {"id": identity, "status": last["status"], "outputs": self._outputs(asked), "cut": cut}
            yield outcome | counts | {"note": last.get("note")}

    def summary(self) -> str:
        """The closing line: what became of the questions, and how many outputs were cut."""
        outcomes = list(self.answers())
        listed = ", ".join(f"{n} {status}" for status, n in sorted(Counter(o["status"] for o in outcomes).items()))
        cut = sum(sum(outcome["cut"]) for outcome in outcomes)
        written = sum(outcome["n_output"] for outcome in outcomes)
        return f"{len(outcomes)} questions ({listed}); {written} tokens written; {cut} outputs cut at max_tokens"
