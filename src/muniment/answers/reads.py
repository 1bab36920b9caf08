"""The record of reads of a namespace."""

from muniment.answers.view import State, View
from muniment.core.records import ReadsBatchRecord, ReadsSettingRecord, Where
from muniment.core.verbs.bytes import ListReads, ListReadsSettings, ReadsBatch, ReadsSetting


def list_reads_settings(state: State, query: ListReadsSettings) -> tuple[ReadsSetting, ...]:
    """List when the record was turned on and off, oldest first."""
    of_namespace = Where("namespace", "=", query.namespace)
    settings = state.view.projections.select(ReadsSettingRecord, of_namespace)
    return tuple(ReadsSetting(record=one, reason=state.find_text(one.reason)) for one in settings)


def list_reads(state: State, query: ListReads) -> tuple[ReadsBatch, ...]:
    """List the batches of some days, in the order of the log."""
    of_namespace = Where("namespace", "=", query.namespace)
    batches = state.view.projections.select(ReadsBatchRecord, of_namespace)
    wanted = [
        one
        for one in batches
        if (query.since or "") <= one.day and (query.until is None or one.day <= query.until)
    ]
    return tuple(ReadsBatch(record=one, text=state.find_text(one.batch)) for one in wanted)


def count_batches(view: View, namespace: str, day: str) -> int:
    """Count the batches of a day."""
    of_day = Where("namespace", "=", namespace), Where("day", "=", day)
    return len(view.projections.select(ReadsBatchRecord, *of_day))
