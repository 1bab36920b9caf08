"""An evaluation that is on record: what `Version.evaluate` returns."""

from dataclasses import dataclass

from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import Attestation
from muniment.core.events import AttestationRecorded
from muniment.core.receipts import Receipt
from muniment.views.evaluation import list_charts, read_metrics, view_evaluation
from muniment.views.values import Estimate
from muniment.views.view import Chart, View


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """An evaluation of a version that was signed and recorded. A notebook draws it.

    Attributes:
        version: `namespace/model@number`.
        claim: what was signed: `claim.predicate` holds the metrics and the counts that they come from.
        receipt: the proof that it is on record.
    """

    version: str
    claim: Attestation
    receipt: Receipt

    @classmethod
    def of(cls, version: str, predicate: JsonObject, receipt: Receipt) -> "Evaluation":
        """Take what was signed, and the receipt that its record was confirmed with."""
        event = receipt.read(AttestationRecorded)
        claim = Attestation(
            digest=event.attestation,
            predicate_type=event.predicate_type,
            predicate=predicate,
            signer=event.signer,
            key_id=event.key,
            index=receipt.index,
            recorded=receipt.entry.when,
            assurance=event.assurance,
        )
        return cls(version, claim, receipt)

    @property
    def metrics(self) -> dict[str, Estimate]:
        """The metrics that are numbers, with their confidence intervals."""
        return read_metrics(self.claim.predicate)

    @property
    def charts(self) -> dict[str, Chart]:
        """The charts that it has the counts for, as Vega-Lite; a notebook draws each."""
        return {chart.key: chart for chart in list_charts(self.claim.predicate)}

    def view(self) -> View:
        """Show it."""
        return view_evaluation(self.version, self.claim, self.receipt.entry.when)

    def __repr__(self) -> str:
        """Name the version and the first metrics."""
        metrics = ", ".join(f"{name} {one.value:.3g}" for name, one in list(self.metrics.items())[:3])
        return f"<Evaluation of {self.version}: {metrics or 'no metric'}>"

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        return self.view()._repr_html_()
