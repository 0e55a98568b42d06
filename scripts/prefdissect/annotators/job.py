"""What the worker does for an annotator: it asks in rounds, since some questions depend on the answers to others.

JUDGE.json holds the annotator's record, and under `annotation` its instrument and `attempts`; REQUESTS.jsonl holds
questions (`prefdissect.annotators.passes`). ANSWERS.jsonl has one outcome per question:

    {id, status, data, calls, note}

`ok` with the data; `invalid` where no answer was usable after all attempts; `too_long`, `refused` and `failed` as the
engine says; `needless` where the question calls for nothing; `unmet` where what it needs came to nothing. `calls` lists
(key, tokens read, tokens written, status) of its requests: equal questions share them.

Imports only the standard library, yaml and jsonschema beside the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from prefdissect.annotators.passes import ANNOTATION_PROTOCOL, Instrument, Unusable, check_answer, tidied
from prefdissect.annotators.reading import read_answer
from prefdissect.judges.prompts import Template, own_prompts
from prefdissect.judges.worker import SAMPLING, Job

# What a plan takes for an analysis that is not known yet.
USUAL_ANALYSIS = {"clear_intent": True, "feelings": False, "stances": [], "mistakes": []}
USUAL_ANALYSIS |= {"constraints": ["The answer has a stated form."]}


class AnnotationJob(Job):
    """An annotator and its questions, with the answers that are known already; `Job` says more.

    Attributes
    ----------
    outcomes
        Outcome by question, as far as there are any.
    """

    unit = "requests"

    def __init__(self, judge: dict, questions: list[dict], store_root: Path | None, stored_only: bool = False):
        annotation = judge.pop("annotation")
        self.instrument, self.attempts = Instrument.from_dict(annotation["instrument"]), annotation["attempts"]
        self.questions = {question["id"]: question for question in questions}
        self.outcomes: dict[str, dict] = {}
        self.asked: dict[str, list[dict]] = {}  # requests of each question that is not settled
        self.problems: dict[str, list[str]] = {}
        super().__init__(judge, [], store_root, stored_only)
        self.advance()

    def _template(self) -> Template:
        return own_prompts()

    def _identity(self) -> dict:
        sampling = {key: self.judge.get(key) for key in SAMPLING}
        return {"annotation": ANNOTATION_PROTOCOL, **self.engine.identify(self.judge), "sampling": sampling}

    def advance(self) -> None:
        """Settle what can be settled, and make the requests that the answers so far call for."""
        settled = -1
        while settled < len(self.outcomes):
            settled = len(self.outcomes)
            fresh = {request["id"]: request for request in self._step()}
            self.add([request for key, request in fresh.items() if key not in self.keys])
            # What is known already may settle more.
            settled -= any(key in self.known for key in fresh)

    def _step(self) -> list[dict]:
        """Take every unsettled question as far as it gets without an engine; returns the requests that are new."""
        fresh = []
        for identity, question in self.questions.items():
            if identity not in self.outcomes:
                request = self._next(identity, question)
                fresh += [request] if request else []
        return fresh

    def _next(self, identity: str, question: dict) -> dict | None:
        """The next request of a question; None while it waits, and once it is settled."""
        asked = self.asked.get(identity)
        if asked:
            answer = self.known.get(asked[-1]["id"])
            if answer is None or not self._unusable(identity, question, answer):
                return None
        elif not self._is_ready(identity, question):
            return None
        request = self.instrument.request(question, self._about(question), self.problems.get(identity, []))
        self.asked.setdefault(identity, []).append(request)
        return request

    def _unusable(self, identity: str, question: dict, answer: dict) -> bool:
        """Whether an answer has to be asked for again; else the question is settled."""
        if answer["status"] != "ok":
            self._settle(identity, answer["status"], note=answer.get("note"))
            return False
        try:
            schema = self.asked[identity][-1]["schema"]
            data = read_answer(answer, schema, lambda data: check_answer(question, data))
        except Unusable as error:
            problems = self.problems.setdefault(identity, [])
            problems.append(str(error))
            if len(problems) >= self.attempts:
                self._settle(identity, "invalid", note=str(error))
                return False
            return True
        self._settle(identity, "ok", tidied(question, data))
        return False

    def _is_ready(self, identity: str, question: dict) -> bool:
        """Whether a question can be asked now; one that never can, or need not be, is settled."""
        needed = [self.outcomes.get(other) for other in question.get("needs", {}).values()]
        if None in needed:
            return False
        if any(outcome["status"] != "ok" for outcome in needed):
            self._settle(identity, "unmet")
            return False
        if question["pass"] == "query_specific" and not self.instrument.items(self._about(question)["analysis"]):
            self._settle(identity, "needless")
            return False
        return True

    def _about(self, question: dict) -> dict:
        found = {name: self.outcomes[other]["data"] for name, other in question.get("needs", {}).items()}
        return found | ({"reference": question["reference"]} if question.get("reference") else {})

    def _settle(self, identity: str, status: str, data=None, note: str | None = None) -> None:
        calls = []
        for request in self.asked.pop(identity, []):
            answer = self.known[request["id"]]
            tokens = [answer.get("n_tokens") or 0, answer.get("n_output") or 0]
            calls.append([request["id"], *tokens, answer["status"]])
        self.outcomes[identity] = {"id": identity, "status": status, "data": data, "calls": calls, "note": note}

    def guessed(self) -> list[dict]:
        """For a plan: requests of questions that wait for others, with usual answers to those in their place."""
        guessed = {}
        for identity, question in self.questions.items():
            if identity not in self.outcomes and identity not in self.asked:
                about = {"analysis": USUAL_ANALYSIS, "reference": " ".join(question["responses"][:1])}
                if question["pass"] == "query_specific" and not self.instrument.items(USUAL_ANALYSIS):
                    continue
                request = self.instrument.request(question, about | self._known_about(question), [])
                guessed[request["id"]] = request
        return list(guessed.values())

    def _known_about(self, question: dict) -> dict:
        return {"reference": question["reference"]} if question.get("reference") else {}

    def answers(self) -> Iterator[dict]:
        """The outcome of every question, in their order."""
        return (self.outcomes[identity] for identity in self.questions)

    def summary(self) -> str:
        """The closing line: what became of the questions of every pass, and why some came to nothing."""
        passes: dict[str, Counter] = {}
        notes: Counter = Counter()
        for outcome in self.answers():
            passes.setdefault(self.questions[outcome["id"]]["pass"], Counter())[outcome["status"]] += 1
            notes.update([outcome["note"]] if outcome["note"] else [])
        parts = [
            f"{name}: " + ", ".join(f"{count} {status}" for status, count in sorted(found.items()))
            for name, found in passes.items()
        ]
        parts += [f"{count} x {' '.join(note.split())[:200]}" for note, count in notes.most_common(5)]
        return "; ".join(parts)
