"""Views as JSON: each section under its key, with all rows, whole values, and who vouches for each."""

from muniment.core.canonical import Json, JsonObject
from muniment.views.values import write_document
from muniment.views.view import Chart, Fact, Facts, Row, Said, Seal, Section, Story, Table, View, Vouched


def write_view(view: View) -> JsonObject:
    """Write a view as JSON."""
    document: dict[str, Json] = {
        "kind": view.kind,
        "title": view.title,
        "found": view.found,
        "whole": view.whole,
    }
    if view.lead:
        document["lead"] = view.lead
    document |= {fact.key: _write_fact(fact) for fact in view.facts}
    document["chips"] = [chip.text for chip in view.chips]
    if view.seal is not None:
        document["seal"] = _write_seal(view.seal)
    document |= {section.key: _write_section(section) for section in view.sections}
    document["next"] = list(view.next)
    return document


def _write_section(section: Section) -> Json:
    match section.blocks:
        case (Table(key=section.key) as table,):
            return [_write_row(table, row) for row in table.rows]
        case (Story(key=section.key, told=told),):
            return [_write_said(said) for said in told]
    members: dict[str, Json] = {"note": section.note} if section.note else {}
    for block in section.blocks:
        match block:
            case Facts(facts=facts):
                members |= {fact.key: _write_fact(fact) for fact in facts}
            case Table(key=key):
                members[key] = [_write_row(block, row) for row in block.rows]
            case Story(key=key, told=told):
                members[key] = [_write_said(said) for said in told]
            case Chart(key=key):
                members[key] = block.specification
    return members


def _write_fact(fact: Fact) -> JsonObject:
    return {"value": write_document(fact.value), **_write_vouched(fact.vouched)}


def _write_row(table: Table, row: Row) -> JsonObject:
    cells = {column.key: write_document(cell) for column, cell in zip(table.columns, row.cells, strict=True)}
    note = {"note": row.note} if row.note else {}
    return {**cells, **note, **_write_vouched(row.vouched)}


def _write_said(said: Said) -> JsonObject:
    return {
        "who": write_document(said.who),
        "did": said.did,
        "time": said.time.at,
        "text": said.text,
        **_write_vouched(said.vouched),
    }


def _write_seal(seal: Seal) -> JsonObject:
    return {"checked": list(seal.checked), "left": list(seal.left), "size": seal.size, "time": seal.time}


def _write_vouched(vouched: Vouched | None) -> JsonObject:
    if vouched is None:
        return {}
    entry = {} if vouched.entry is None else {"entry": vouched.entry}
    return {"mark": str(vouched.mark), **entry}
