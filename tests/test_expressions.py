"""Expressions of `cel` rules: exactly true passes, and nothing passes for being missing."""

from collections.abc import Mapping
from dataclasses import replace

import cel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import Document, case, holds, measured, verdict
from muniment.core.errors import InvalidPolicy
from muniment.policies.documents import read_policy
from muniment.policies.expressions import compile_expression


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("metrics.roc_auc > 0.8", True),
        ("metrics.roc_auc > 0.95", False),
        ("metrics.recall > 0.1", False),
        ("metrics.roc_auc", False),
        ("1", False),
        ("null", False),
        ("'true'", False),
        ("1 / 0 == 1", False),
        ("nothing.here", False),
        ("version == 'acme/x@2' && alias == 'production'", True),
        ("files.all(f, f.endsWith('.safetensors'))", True),
        ("attestations.exists(a, a.signer == 'vera' || a.signer == 'ada')", True),
        ("evidence.all(e, e.n >= 100)", True),
        ("size(revoked) == 0", True),
        ("timestamp(now) < timestamp('2026-07-01T00:00:00Z')", True),
    ],
)
def test_only_exactly_true_passes(expression: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """A `cel` rule passes only if its expression is the boolean true."""
    judged = case(measured(0.9))
    assert holds({"rule": "cel", "expression": expression}, judged) is expected


@pytest.mark.parametrize(
    "expression",
    [
        "!(metrics.recall > 0.1 && false)",
        "metrics.recall > 0.1 || true",
        "[1].exists(i, metrics.recall < 0.1 || true)",
        "[1, 2].exists(i, metrics.recall < 0.1 || i == 2)",
        "![1].all(i, metrics.recall < 0.1 && false)",
        "[metrics.recall < 0.1 || true][0]",
        "{'a': metrics.recall < 0.1 || true}.a",
        "size([1].filter(i, metrics.recall < 0.1 || true)) == 1",
        "(metrics.recall < 0.1 || true) ? true : false",
        "metrics.recall > 0.1 ? true : true",
        "!has(metrics.recall)",
        "has(metrics.recall) ? metrics.recall > 0.5 : true",
        "!has (metrics.recall) || metrics.recall > 0.5",
        "1 / 0 == 1 || true",
        "int('one') == 1 || true",
        "files[9] == 'x' || true",
        "size(card) == 0",
        "!(card.licence == 'gpl')",
        "parameters.all(name, name != 'debug')",
        r"r'\' == 'x' || metrics.recall > 0.1 || true || r'\' == 'y'",
    ],
)
def test_missing_evidence_denies_whatever_surrounds_it(expression: str) -> None:
    """An expression that looks at something missing, or that errs, is not true."""
    judged = case(measured(0.9))
    assert not holds({"rule": "cel", "expression": expression}, judged)


@pytest.mark.parametrize(
    "expression",
    [
        "has(metrics.roc_auc) && metrics.roc_auc > 0.8",
        "metrics.roc_auc > 0.8 || metrics.recall > 0.8",
        "!('recall' in metrics && metrics.recall < 0.8)",
        "attestations.exists(a, has(a.predicate.n) && a.predicate.n >= 100)",
        "!attestations.exists(a, has(a.predicate.waived))",
        "alias == 'staging' ? metrics.recall > 0.8 : metrics.roc_auc > 0.8",
    ],
)
def test_what_was_not_looked_at_may_be_missing(expression: str) -> None:
    """Operators go from left to right; `in`, and `has` of an item, ask whether something is there."""
    assert holds({"rule": "cel", "expression": expression}, case(measured(0.9)))


def test_an_expression_says_what_is_missing() -> None:
    """A denial by an expression names what is missing."""
    judged = case(measured(0.9))
    for expression, missing in {
        "metrics.recall > 0.1": "recall is missing",
        "has(metrics.recall)": "metrics.recall is missing",
        "card.licence == 'mit'": "card is missing",
    }.items():
        assert missing in verdict({"rule": "cel", "expression": expression}, judged).findings[0].message


def test_no_evidence_and_contradictory_evidence_are_missing() -> None:
    """Without an evaluation, or with one that contradicts itself, `evidence` and `metrics` are missing."""
    lie = measured(0.9, data="other")
    counts: Document = {"labels": ["0", "1"], "counts": [[1, 1], [0, 2]]}
    stated: Document = {"metrics": {"accuracy": {"value": 0.9}}, "confusion_matrix": counts}
    contradictory = replace(lie, predicate={**lie.predicate, **stated})
    for expression in ("evidence.all(e, e.n >= 100)", "metrics.all(name, metrics[name] > 0.5)"):
        rule: Document = {"rule": "cel", "expression": expression}
        assert holds(rule, case(measured(0.9)))
        assert not holds(rule, case())
        assert not holds(rule, case(measured(0.9), contradictory))


@pytest.mark.parametrize(
    "expression",
    [
        "metrics.roc_auc >",
        "'no end",
        "x" * 2001,
        "a.all(b, b.all(c, c.all(d, d.all(e, e.all(f, true)))))",
        "files.exists(metrics, has(metrics.x))",
        "(true || " * 40 + "true" + ")" * 40,
    ],
)
def test_an_expression_is_looked_over_before_it_is_set(expression: str) -> None:
    """A CEL expression with a syntax error, too much nesting or a name that is taken is refused."""
    with pytest.raises(InvalidPolicy):
        read_policy({"rules": [{"rule": "cel", "expression": expression}]})


def test_a_string_and_a_comment_hold_no_operator() -> None:
    """Operators in CEL strings and comments are not operators."""
    assert compile_expression("'a || b' == 'a || b' // x || y").evaluate({}) is True
    assert compile_expression('"""a || b""" != r\'||\'').evaluate({}) is True
    assert compile_expression("[1, // )\n 2][1] == 2 && 1.5e0 > 0x1").evaluate({}) is True


# ---- properties

ABSENT = ("a", "b", "c")
LEAVES = st.sampled_from(
    [
        "true",
        "false",
        "1 / 0 == 1",
        "i == 1",
        "has(item.a)",
        "has(item.b)",
        "item.a > 0",
        "alias == 'production'",
        *(
            form.format(name)
            for name in ABSENT
            for form in ("metrics.{} > 0", "has(metrics.{})", "metrics['{}'] == 1", "metrics.{} == 'x'")
        ),
    ]
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} || {})".format, inner, inner),
        st.builds("{} && {}".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("(({}) == ({}))".format, inner, inner),
        st.builds("[{}, {}][0]".format, inner, inner),
        st.builds("[1, 2].exists(i, {})".format, inner),
        st.builds("[1, 2].all(i, {})".format, inner),
        st.builds("items.exists_one(item, {})".format, inner),
        st.builds("(size(items.filter(item, {})) == 1)".format, inner),
        st.builds("[{}].map(one, one && ({}))[0]".format, inner, inner),
    ),
    max_leaves=6,
).filter(lambda text: sum(map(text.count, (".exists", ".all", ".filter", ".map"))) <= 4)
VALUES: st.SearchStrategy[object] = st.sampled_from([0, 1, -1, 0.5, "x", "", None, True, False, []])


ERROR = object()


def evaluate(expression: str, metrics: Mapping[str, object], *, by_cel: bool = False) -> object:
    known = {
        "metrics": metrics,
        "alias": "production",
        "i": 1,
        "items": [{"a": 1}, {"b": 2}],
        "item": {"a": 1},
    }
    try:
        evaluate = cel.compile(expression).execute if by_cel else compile_expression(expression).evaluate
        return evaluate(known)
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
        return ERROR


@given(CONDITIONS, st.dictionaries(st.sampled_from(ABSENT), VALUES), st.data())
def test_a_missing_value_may_be_any_value(
    expression: str, metrics: dict[str, object], data: st.DataObject
) -> None:
    """What passes with values missing passes with any values in their place."""
    if evaluate(expression, metrics) is True:
        others = {name: data.draw(VALUES) for name in ABSENT}
        assert evaluate(expression, {**others, **metrics}) is True


@given(CONDITIONS, st.dictionaries(st.sampled_from(ABSENT), VALUES))
def test_what_needs_nothing_missing_is_as_in_cel(expression: str, metrics: dict[str, object]) -> None:
    """An expression without an error comes to what it comes to in CEL."""
    result = evaluate(expression, metrics)
    if result is not ERROR:
        assert evaluate(expression, metrics, by_cel=True) == result
