"""What an annotator is asked: from a question to the request that an engine answers.

A *question* is plain data: {id, pass, turns, prompt, responses, sample, and what it needs}: `reference` (a text), or
the ids of the questions that must be answered first under `needs` ({"analysis": id} or {"reference": id}). In pairwise
mode `responses` holds two texts in the order shown, in single mode one, and none for a question about the query. A
question whose needs have come to nothing, or that calls for nothing, is not asked.

Definitions and scales come from the catalogue, wording from the prompt files. Needs only the standard library and yaml:
it runs in the judge's environment too, and the Snakefile reads `ANNOTATION_PROTOCOL`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from prefdissect.annotators import forms
from prefdissect.annotators.prompt_files import Prompt
from prefdissect.catalogue import CASE_KEYS, Property
from prefdissect.judges.prompts import transcript
from prefdissect.judges.store import request_key

# Raised by hand when the same record would be answered differently, as `PROTOCOL` of the judges.
ANNOTATION_PROTOCOL = 1


class Unusable(Exception):
    """An answer that is not what was asked for; its text says why, in words that the model may be told."""


@dataclass(frozen=True)
class Item:
    """One point that a query calls for: a property, the number of the constraint, stance or mistake, and its text."""

    property: Property
    number: int = 0
    text: str | None = None

    @property
    def key(self) -> str:
        """Its name in prompt and answer."""
        return self.property.asked_name if self.text is None else f"{self.property.asked_name}_{self.number + 1}"


class Instrument:
    """The prompts and properties of one annotator: all that its questions depend on beside pairs and answers.

    Parameters
    ----------
    prompts
        Prompt by pass.
    properties
        What it rates, in the order of the catalogue.
    """

    def __init__(self, prompts: dict[str, Prompt], properties: list[Property]):
        self.prompts, self.properties = prompts, properties

    def to_dict(self) -> dict:
        """Plain data that `from_dict` reads back."""
        properties = [asdict(prop) | {"anchors": list(prop.anchors.items())} for prop in self.properties]
        return {"prompts": {name: prompt.to_dict() for name, prompt in self.prompts.items()}, "properties": properties}

    @classmethod
    def from_dict(cls, data: dict) -> Instrument:
        properties = [Property(**each) for each in data["properties"]]
        properties = [replace(prop, anchors=dict(prop.anchors)) for prop in properties]
        return cls({name: Prompt(**prompt) for name, prompt in data["prompts"].items()}, properties)

    def of_family(self, family: str) -> list[Property]:
        """Properties that a pass rates."""
        return [prop for prop in self.properties if prop.family == family]

    def items(self, analysis: dict) -> list[Item]:
        """The points that a query calls for, by what the analysis found."""
        found = []
        for prop in self.of_family("query_specific"):
            key = CASE_KEYS[prop.case]
            if key in forms.LISTS:
                found += [Item(prop, number, text) for number, text in enumerate(analysis[key])]
            elif analysis[key] != (key == "clear_intent"):
                found.append(Item(prop))
        return found

    def request(self, question: dict, about: dict, problems: list[str]) -> dict:
        """The request for a question.

        Parameters
        ----------
        question
            See the module's text.
        about
            What the question needs: `analysis` or `reference`.
        problems
            Why earlier answers to it could not be used.

        Returns
        -------
        {id, pieces, schema, sample, form, attempt}; the id names the content, so that equal questions are asked once
        and a drawn answer does not depend on the pair it was asked for.
        """
        schema = self.schema(question, about)
        values = self._values(question, about, schema)
        cut = self.prompts[question["pass"]].pieces
        chunks = [values[piece] if number % 2 else [piece] for number, piece in enumerate(cut)]
        pieces = _joined([*chunks, _correction(problems)])
        request = {"pieces": pieces, "schema": schema, "sample": question["sample"]}
        return {"id": request_key(request), **request, "form": question["pass"], "attempt": len(problems)}

    def schema(self, question: dict, about: dict) -> dict | None:
        """JSON schema of the answer to a question; None for a reference, which is plain text."""
        kind, count = question["pass"], len(question["responses"])
        if kind == "reference":
            return None
        if kind == "analysis":
            return forms.analysis_form()
        if kind == "errors":
            return forms.per_response(forms.error_fields(self.prompts[kind].types), count)
        if kind == "query_specific":
            fields = {item.key: forms.rating(item.property) for item in self.items(about["analysis"])}
        else:
            fields = {prop.asked_name: forms.rating(prop) for prop in self.of_family(kind)}
        return forms.per_response(fields, count)

    def _values(self, question: dict, about: dict, schema: dict | None) -> dict[str, list[str]]:
        """What stands for each placeholder: our text and users' text by turns, ours first and last."""
        kind = question["pass"]
        values = {
            "conversation": ["", transcript(question["turns"], question["prompt"]), ""],
            "responses": _responses(question["responses"]),
            "properties": ["\n".join(_defined(prop) for prop in self.of_family(kind))],
            "types": ["\n".join(f"- `{name}`: {what}" for name, what in self.prompts[kind].types.items())],
            "reference": ["", about.get("reference", ""), ""],
            "form": [forms.sketch(schema) if schema else ""],
        }
        if kind == "query_specific":
            values["items"] = _listed(self.items(about["analysis"]))
        return values


def check_answer(question: dict, data) -> None:
    """Refuse what a schema cannot say. Raises `Unusable`."""
    if question["pass"] == "reference" and not data:
        raise Unusable("it was empty")
    if question["pass"] == "analysis" and any(not text.strip() for key in forms.LISTS for text in data[key]):
        raise Unusable("an entry of a list was empty")
    if question["pass"] == "errors":
        for key, found in data.items():
            if found["errors"] and not found["applicable"]:
                raise Unusable(f"{key} has errors though it is not applicable")


def tidied(question: dict, data):
    """What counts of an answer: of entries of the analysis that are given twice, one."""
    if question["pass"] != "analysis":
        return data
    return data | {key: list(dict.fromkeys(text.strip() for text in data[key])) for key in forms.LISTS}


def _joined(chunks: list[list[str]]) -> list[str]:
    """One list of our text and users' text by turns; every chunk begins and ends with ours."""
    pieces = [""]
    for chunk in chunks:
        pieces[-1] += chunk[0]
        pieces += chunk[1:]
    return pieces


def _responses(texts: list[str]) -> list[str]:
    chunks = [[f"### Response {n + 1} (`{forms.response_key(n)}`)\n", text, ""] for n, text in enumerate(texts)]
    return _joined([part for chunk in chunks for part in (chunk, ["\n\n"])][:-1])


def _defined(prop: Property) -> str:
    """Definition and scale of a property in one line."""
    meanings = "; ".join(f"{score:g} = {text}" for score, text in sorted(prop.anchors.items()))
    scale = f" ({meanings})" if meanings and prop.family != "errors" else ""
    ends = "" if meanings or prop.family == "errors" else f" ({prop.scale_text})"
    return f"- `{prop.asked_name}`: {prop.asked_definition}{scale}{ends}"


def _listed(items: list[Item]) -> list[str]:
    """The points that a query calls for, each property followed by the texts it is rated on."""
    chunks, told = [], None
    for item in items:
        if item.property is not told:
            told = item.property
            chunks.append([("\n" if chunks else "") + _defined(told)])
        if item.text is not None:
            chunks.append([f"\n  - `{item.key}`: ", item.text, ""])
    return _joined(chunks)


def _correction(problems: list[str]) -> list[str]:
    """What is said when earlier answers were no use; the problem may hold words of the model's own."""
    if not problems:
        return [""]
    again = "An earlier answer" if len(problems) == 1 else f"{len(problems)} earlier answers"
    told = f"\n\n{again} to this could not be used; what was wrong: "
    return [told, problems[-1], ". Keep exactly to what is asked for."]
