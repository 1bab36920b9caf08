"""Write the verdicts of a gate as JUnit XML and SARIF 2.1.0."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from muniment import __version__
from muniment.core.canonical import JsonObject
from muniment.core.gates.policy import Gate, Mode, Verdict
from muniment.core.gates.rules.case import Finding
from muniment.core.texts import in_line

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write_junit(gate: Gate) -> bytes:
    """Write a test suite for each policy and a test case for each rule; waived rules are skipped."""
    root = Element("testsuites", name=f"{gate.version} for {gate.alias}")
    for verdict in gate.verdicts:
        findings = verdict.findings
        suite = SubElement(
            root,
            "testsuite",
            name=in_line(verdict.policy or "no policy"),
            tests=str(max(1, len(findings))),
            failures=str(len(verdict.failures)),
            errors="0",
            skipped=str(sum(bool(finding.waived) for finding in findings)),
        )
        for finding in findings:
            case = SubElement(
                suite, "testcase", classname=f"{gate.version}.{gate.alias}", name=in_line(finding.rule)
            )
            if finding.waived:
                SubElement(case, "skipped", message=in_line(finding.message))
            elif not finding.passed:
                SubElement(case, "failure", message=in_line(finding.message)).text = in_line(finding.remedy)
        if not findings:
            case = SubElement(suite, "testcase", classname=f"{gate.version}.{gate.alias}", name="policy")
            SubElement(case, "failure", message=in_line(verdict.failures[0]))
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def write_sarif(gate: Gate) -> JsonObject:
    """Write a run with all rules, and a result for each that is not met."""
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "muniment",
                        "version": __version__,
                        "informationUri": "https://muniment.dev",
                        "rules": [
                            {"id": finding.id, "shortDescription": {"text": in_line(finding.rule)}}
                            for verdict in gate.verdicts
                            for finding in verdict.findings
                        ],
                    }
                },
                "results": [
                    _write_result(gate, verdict, finding) for verdict, finding in _list_failures(gate)
                ],
            }
        ],
    }


def _list_failures(gate: Gate) -> Iterator[tuple[Verdict, Finding]]:
    for verdict in gate.verdicts:
        yield from ((verdict, finding) for finding in verdict.findings if finding.passed is not True)


def _write_result(gate: Gate, verdict: Verdict, finding: Finding) -> JsonObject:
    level = {Mode.ENFORCE: "error", Mode.WARN: "warning", Mode.SHADOW: "note"}[verdict.mode]
    hint = f" Try: {finding.remedy}" if finding.remedy else ""
    said = f"{gate.version} for {gate.alias}: {finding.rule}: {finding.message}.{hint}"
    suppressions: JsonObject = (
        {"suppressions": [{"kind": "external", "justification": in_line(f"waiver {finding.waived}")}]}
        if finding.waived
        else {}
    )
    return {
        "ruleId": finding.id,
        "level": level,
        "message": {"text": in_line(said)},
        "locations": [
            {
                "logicalLocations": [
                    {"fullyQualifiedName": gate.version, "kind": "resource"},
                ]
            }
        ],
        **suppressions,
    }
