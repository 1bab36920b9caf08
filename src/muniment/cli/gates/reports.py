"""What a gate says, for machines that run checks: JUnit XML and SARIF 2.1.0."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from muniment import __version__
from muniment.core.canonical import JsonObject
from muniment.core.gates.policy import Gate, Mode, Verdict
from muniment.core.gates.rules.case import Finding

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write_junit(gate: Gate) -> bytes:
    """Write a test suite for each policy and a case for each rule; what is waived is skipped."""
    root = Element("testsuites", name=f"{gate.version} for {gate.alias}")
    for verdict in gate.verdicts:
        findings = verdict.findings
        suite = SubElement(
            root,
            "testsuite",
            name=verdict.policy or "no policy",
            tests=str(max(1, len(findings))),
            failures=str(len(verdict.failures)),
            errors="0",
            skipped=str(sum(bool(found.waived) for found in findings)),
        )
        for found in findings:
            case = SubElement(suite, "testcase", classname=f"{gate.version}.{gate.alias}", name=found.rule)
            if found.waived:
                SubElement(case, "skipped", message=_clean(found.message))
            elif not found.passed:
                SubElement(case, "failure", message=_clean(found.message)).text = _clean(found.remedy)
        if not findings:
            case = SubElement(suite, "testcase", classname=f"{gate.version}.{gate.alias}", name="policy")
            SubElement(case, "failure", message=verdict.failures[0])
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def write_sarif(gate: Gate) -> JsonObject:
    """Write a run with a rule for each rule, and a result for each that is not met."""
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
                            {"id": found.id, "shortDescription": {"text": found.rule}}
                            for verdict in gate.verdicts
                            for found in verdict.findings
                        ],
                    }
                },
                "results": [_write_result(gate, verdict, found) for verdict, found in _list_failures(gate)],
            }
        ],
    }


def _list_failures(gate: Gate) -> Iterator[tuple[Verdict, Finding]]:
    for verdict in gate.verdicts:
        yield from ((verdict, found) for found in verdict.findings if found.passed is not True)


def _write_result(gate: Gate, verdict: Verdict, found: Finding) -> JsonObject:
    level = {Mode.ENFORCE: "error", Mode.WARN: "warning", Mode.SHADOW: "note"}[verdict.mode]
    hint = f" Try: {found.remedy}" if found.remedy else ""
    suppressions: JsonObject = (
        {"suppressions": [{"kind": "external", "justification": f"waiver {found.waived}"}]}
        if found.waived
        else {}
    )
    return {
        "ruleId": found.id,
        "level": level,
        "message": {"text": f"{gate.version} for {gate.alias}: {found.rule}: {found.message}.{hint}"},
        "locations": [
            {
                "logicalLocations": [
                    {"fullyQualifiedName": gate.version, "kind": "resource"},
                ]
            }
        ],
        **suppressions,
    }


def _clean(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(one for one in text if one in "\t\n" or ord(one) >= ord(" "))
