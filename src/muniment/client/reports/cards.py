"""Cards as people write them: Markdown with YAML front matter, in our form and in the Hugging Face Hub's.

Between two lines of three dashes stand `licence`, `contacts` and the other lists; below, a heading for each
field: `## Intended use`, then the text.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml
from markdown_it import MarkdownIt

from muniment.core.canonical import Json
from muniment.core.claims.cards import SECTIONS, Card
from muniment.core.claims.evidence import Evidence
from muniment.core.errors import InvalidCard
from muniment.policies.files import describe_fault

_MAX_CHARACTERS: Final = 2_000_000
_FENCE: Final = "---"

# A heading, in lower case, and the field that holds what stands below it. Both forms are read.
_FIELDS: Final[Mapping[str, str]] = {
    "intended use": "intended_use",
    "intended uses": "intended_use",
    "direct use": "intended_use",
    "uses": "intended_use",
    "out-of-scope use": "out_of_scope_use",
    "limitations": "limitations",
    "bias, risks, and limitations": "limitations",
    "design": "design",
    "model description": "design",
    "oversight": "oversight",
    "human oversight": "oversight",
}
_CONTACTS: Final = frozenset({"contact", "contacts", "model card contact"})
_OURS: Final = {
    "intended_use": "Intended use",
    "out_of_scope_use": "Out-of-scope use",
    "limitations": "Limitations",
    "design": "Design",
    "oversight": "Oversight",
}
# The headings of the annotated model card template (huggingface.co/docs/hub/model-card-annotated).
_THEIRS: Final = {
    "intended_use": "Direct Use",
    "out_of_scope_use": "Out-of-Scope Use",
    "limitations": "Bias, Risks, and Limitations",
    "design": "Model Description",
    "oversight": "Oversight",
}


def read_card(text: str) -> Card:
    """Read a card in either form.

    Raises:
        InvalidCard: its front matter is not YAML, or nothing is in it.
    """
    if len(text) > _MAX_CHARACTERS:
        raise InvalidCard(reason=f"it has more than {_MAX_CHARACTERS} characters")
    matter, body = split_front_matter(text)
    title, sections = _split_sections(body)
    known = dict.fromkeys(SECTIONS, "")
    contacts = [*_texts(matter.get("contacts"))]
    others: dict[str, str] = {}
    for heading, content in sections:
        name = _FIELDS.get(heading.lower())
        if name is not None and not known[name]:
            known[name] = content
        elif heading.lower() in _CONTACTS:
            contacts += [text for line in content.splitlines() if (text := line.strip().lstrip("-*+ "))]
        elif content:
            others[heading] = f"{others[heading]}\n\n{content}" if heading in others else content
    card = Card(
        title=str(matter.get("title") or title),
        licence=str(matter.get("licence") or matter.get("license") or ""),
        contacts=tuple(contacts),
        languages=_texts(matter.get("languages") or matter.get("language")),
        tags=_texts(matter.get("tags")),
        base_models=_texts(matter.get("base_models") or matter.get("base_model")),
        datasets=_texts(matter.get("datasets")),
        others=others,
        **known,
    )
    if not card.predicate():
        raise InvalidCard(reason="there is nothing in it")
    return card


def write_card(card: Card) -> str:
    """Write a card in our form; `read_card` gives the same card."""
    matter = {
        "title": card.title,
        "licence": card.licence,
        "contacts": card.contacts,
        "languages": card.languages,
        "tags": card.tags,
        "base_models": card.base_models,
        "datasets": card.datasets,
    }
    return _write(matter, "", card, _OURS)


def write_hub_card(card: Card, name: str, evidence: Sequence[Evidence] = ()) -> str:
    """Write a card for the Hugging Face Hub; the metrics of evaluations go into its `model-index`."""
    results = [result for one in evidence if (result := _write_result(one))]
    matter = {
        "license": card.licence.lower(),
        "language": card.languages,
        "tags": card.tags,
        "datasets": card.datasets,
        "base_model": card.base_models,
        "model-index": [{"name": name, "results": results}] if results else [],
    }
    contacts = "\n".join(f"- {contact}" for contact in card.contacts)
    others = {**card.others, **({"Model Card Contact": contacts} if contacts else {})}
    predicate: dict[str, Json] = {**card.predicate(), "others": others}
    return _write(matter, card.title or name, Card.read(predicate), _THEIRS)


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Split a text into its YAML front matter and the rest. Raises as `read_card`."""
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[0].rstrip() != _FENCE:
        return {}, text
    end = next((place for place, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise InvalidCard(reason="the front matter has no end")
    try:
        header = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidCard(reason=f"the front matter is not YAML: {describe_fault(error)}") from error
    if header is not None and not isinstance(header, dict):
        raise InvalidCard(reason="the front matter is not an object")
    return header or {}, "\n".join(lines[end + 1 :])


def _split_sections(body: str) -> tuple[str, list[tuple[str, str]]]:
    """Give the title, and each section below a heading: its text, without the sections below that."""
    lines = body.split("\n")
    tokens = MarkdownIt().parse(body)
    marks = [
        (token.map[0], token.map[1], int(token.tag[1:]), tokens[place + 1].content)
        for place, token in enumerate(tokens)
        if token.type == "heading_open" and token.map is not None and token.level == 0
    ]
    title = next((text for _, _, level, text in marks if level == 1), "")
    starts = [start for start, *_ in marks] + [len(lines)]
    sections = [
        (text.strip(), "\n".join(lines[end : starts[place + 1]]).strip())
        for place, (_, end, level, text) in enumerate(marks)
        if (level, text) != (1, title)
    ]
    before = "\n".join(lines[: starts[0]]).strip() if marks else body.strip()
    first = next((place for place, mark in enumerate(marks) if (mark[2], mark[3]) == (1, title)), None)
    below = "" if first is None else "\n".join(lines[marks[first][1] : starts[first + 1]]).strip()
    summary = "\n\n".join(part for part in (before, below) if part)
    return title.strip(), [("Summary", summary), *sections] if summary else sections


def _write(matter: Mapping[str, object], title: str, card: Card, headings: Mapping[str, str]) -> str:
    filled = {
        name: list(value) if isinstance(value, tuple) else value for name, value in matter.items() if value
    }
    front = yaml.safe_dump(filled, sort_keys=False, allow_unicode=True, width=1000) if filled else ""
    parts = [f"{_FENCE}\n{front}{_FENCE}"]
    if title:
        parts.append(f"# {title}")
    others = dict(card.others)
    summary = others.pop("Summary", "")
    if summary:
        parts.append(summary if title else f"## Summary\n\n{summary}")
    parts += [
        f"## {headings[name]}\n\n{text}" for name in SECTIONS if (text := str(getattr(card, name)).strip())
    ]
    parts += [f"## {heading}\n\n{text}" for heading, text in others.items()]
    return "\n\n".join(parts) + "\n"


def _write_result(evidence: Evidence) -> dict[str, object]:
    read = {name: evidence.find_metric(name) for name in sorted(evidence.metrics)}
    metrics = [{"type": name, "value": metric.value, "name": name} for name, metric in read.items() if metric]
    if not metrics:
        return {}
    name, _, split = evidence.dataset_name.partition(":")
    return {
        "task": {"type": evidence.task},
        "dataset": {
            "type": name or evidence.dataset,
            "name": name or evidence.dataset,
            "revision": evidence.dataset,
            **({"split": split} if split else {}),
        },
        "metrics": metrics,
    }


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)
