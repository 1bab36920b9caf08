"""Read and write the core fields of Croissant 1.0, metadata of datasets (docs.mlcommons.org/croissant)."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Final

from muniment.client.versions.version import Version
from muniment.core.bytes.revisions import File
from muniment.core.canonical import Json, JsonObject, objects_in
from muniment.core.claims.attestations import CARD
from muniment.core.claims.cards import Card
from muniment.core.errors import DigestMismatch, InvalidCard

CONFORMS: Final = "http://mlcommons.org/croissant/1.0"
_HEAD_BYTES: Final = 64 << 10
_TYPES: Final = {
    ".csv": "text/csv", ".json": "application/json", ".jsonl": "application/jsonlines",
    ".md": "text/markdown", ".parquet": "application/x-parquet", ".tsv": "text/tab-separated-values",
    ".txt": "text/plain", ".zip": "application/zip",
}  # fmt: skip
_CONTEXT: Final[JsonObject] = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty", "samplingRate": "cr:samplingRate",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet",
    "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField",
    "path": "cr:path", "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex",
    "repeated": "cr:repeated", "replace": "cr:replace", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform",
}  # fmt: skip


def read_croissant(document: JsonObject) -> Card:
    """Read the core fields of a Croissant description as a card.

    Raises:
        InvalidCard: it does not describe a dataset.
    """
    if "Dataset" not in str(document.get("@type", "")) or not document.get("name"):
        raise InvalidCard(reason="expected a Croissant description of a dataset")
    others = {
        heading: str(document[name])
        for name, heading in (("citeAs", "Citation"), ("url", "URL"), ("datePublished", "Published"))
        if document.get(name)
    }
    description = str(document.get("description") or "")
    return Card(
        title=str(document["name"]),
        licence=", ".join(_texts(document.get("license"))),
        contacts=tuple(_texts(document.get("creator"))),
        languages=tuple(_texts(document.get("inLanguage"))),
        tags=tuple(_texts(document.get("keywords"))),
        others={**({"Summary": description} if description else {}), **others},
    )


def check_files(document: JsonObject, version: Version) -> None:
    """Check the files that a description and a version share by their sha256, if the description has it.

    Raises:
        DigestMismatch: a file has other bytes.
    """
    held = {file.path: file.digest.hex for file in version.revision().files}
    for resource in objects_in(document.get("distribution")):
        path = str(resource.get("contentUrl") or resource.get("name"))
        said, actual = resource.get("sha256"), held.get(path)
        if said and actual and said != actual:
            raise DigestMismatch(expected=f"sha256:{said} ({path})", actual=f"sha256:{actual}")


def write_croissant(version: Version) -> JsonObject:
    """Describe a version of a dataset: its card, its files with digests, the columns of its CSV files."""
    cards = version.claims(CARD)
    card = Card.read(cards[-1].predicate) if cards else Card()
    files = version.revision().files
    description: dict[str, Json] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": card.title or version.reference.name.model,
        "description": card.others.get("Summary") or card.intended_use or str(version),
        "version": f"{version.record.number}.0.0",
        "datePublished": version.record.published,
        "url": card.others.get("URL") or f"muniment:{version}",
        "distribution": [_describe_file(file) for file in files],
        "recordSet": [one for file in files for one in _describe_rows(version, file)],
    }
    optional: dict[str, Json] = {
        "license": card.licence,
        "keywords": list(card.tags),
        "inLanguage": list(card.languages),
        "citeAs": card.others.get("Citation"),
        "creator": [{"@type": "sc:Organization", "name": contact} for contact in card.contacts],
    }
    return description | {name: value for name, value in optional.items() if value}


def _describe_file(file: File) -> JsonObject:
    suffix = file.path[file.path.rfind(".") :].lower() if "." in file.path else ""
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.size_bytes} B",
        "encodingFormat": _TYPES.get(suffix, "application/octet-stream"),
        "sha256": file.digest.hex,
    }


def _describe_rows(version: Version, file: File) -> Iterator[JsonObject]:
    """Describe the columns of a CSV file from its first rows."""
    if not file.path.lower().endswith(".csv"):
        return
    with version.session.backend.open_blob(file.digest) as blob:
        head = blob.read(_HEAD_BYTES).decode("utf-8-sig", errors="replace")
    rows = list(csv.reader(io.StringIO(head, newline="")))
    # The last row may be incomplete.
    body = rows[1:] if len(head.encode()) < _HEAD_BYTES else rows[1:-1]
    if not rows:
        return
    name = re.sub(r"\W+", "_", file.path)
    yield {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column}",
                "name": f"{name}/{column}",
                "dataType": _type_of([row[place] for row in body if place < len(row)]),
                "source": {"fileObject": {"@id": file.path}, "extract": {"column": column}},
            }
            for place, column in enumerate(rows[0])
        ],
    }


def _type_of(cells: list[str]) -> str:
    known = [cell for cell in cells if cell]
    if known and all(re.fullmatch(r"[+-]?\d+", cell) for cell in known):
        return "sc:Integer"
    if known and all(_is_number(cell) for cell in known):
        return "sc:Float"
    return "sc:Text"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _texts(value: Json) -> list[str]:
    """Read one or several texts, or the names of one or several objects."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [
        str(one.get("name") or one.get("url")) if isinstance(one, Mapping) else str(one) for one in values
    ]
