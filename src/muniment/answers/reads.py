"""The record of reads of a namespace."""

from muniment.answers.view import State, View
from muniment.core.records import ReadsBatchRecord, ReadsSettingRecord, Where
from muniment.core.verbs.bytes import GetReads, ReadsBatch, ReadsSetting, RecordOfReads


def get_reads(state: State, query: GetReads) -> RecordOfReads:
    """Return when the record was kept, and its batches of some days, oldest first."""
    of_namespace = Where("namespace", "=", query.namespace)
    settings = state.view.projections.select(ReadsSettingRecord, of_namespace)
    batches = state.view.projections.select(ReadsBatchRecord, of_namespace)
    wanted = [
        one
        for one in batches
        if (query.since or "") <= one.day and (query.until is None or one.day <= query.until)
    ]
    return RecordOfReads(
        settings=tuple(ReadsSetting(record=one, reason=state.find_text(one.reason)) for one in settings),
        batches=tuple(ReadsBatch(record=one, text=state.find_text(one.batch)) for one in wanted),
    )


def count_batches(view: View, namespace: str, day: str) -> int:
    """Count the batches of a day."""
    of_day = Where("namespace", "=", namespace), Where("day", "=", day)
    return len(view.projections.select(ReadsBatchRecord, *of_day))
