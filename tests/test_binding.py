"""Evidence says of which rows it is: all of a table, those that meet conditions, or others with a reason."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from muniment import UnclearTask
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.files import Columns, evaluate_file

AGES = [70, 40, 66, 30, 65, 81]
ILL = ["yes", "no", "no", "no", "yes", "yes"]
TRUE = [1, 0, 0, 0, 1, 1]
PREDICTED = [1, 0, 0, 1, 1, 1]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Give a table of six people."""
    path = tmp_path / "holdout.csv"
    frame = {"age": AGES, "ill": ILL, "p": ["yes" if one else "no" for one in PREDICTED], "weight": range(6)}
    pd.DataFrame({**frame, "dose": [one / 7 for one in AGES]}).to_csv(path, index=False)
    return path


@pytest.fixture
def version(registry: Registry, model: Path) -> Version:
    """Give a version."""
    return registry.push(model, "acme/x")


def found(version: Version, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as `evaluate`
    return version.evaluate(*arguments, **options).claim.predicate


def test_the_rows_of_the_dataset_are_found(version: Version, table: Path) -> None:
    """The column with the labels is found, also where its labels have other names."""
    predicate = found(version, TRUE, PREDICTED, dataset=table)
    assert predicate["rows"] == {"there": 6, "used": 6, "checked": True}
    assert predicate["target"]["column"] == "ill"
    assert predicate["target"]["labels"] == {"no": "0", "yes": "1"}
    same = found(version, ILL, ["no"] * 6, dataset=table, positive="yes")
    assert (same["target"]["column"], "labels" in same["target"]) == ("ill", False)
    amounts = found(version, [one / 7 for one in AGES], [1.5] * 6, dataset=table)
    assert (amounts["task"], amounts["target"]["column"]) == ("regression", "dose")


def test_fewer_rows_need_conditions_or_a_reason(version: Version, table: Path) -> None:
    """Three rows are not those of a file of six, unless they are all that meet what is said of them."""
    with pytest.raises(InvalidEvidence, match="has 6 rows, and 3 were given"):
        version.evaluate(TRUE[:3], PREDICTED[:3], dataset=table)
    old = [place for place, age in enumerate(AGES) if age >= 66]
    true, predicted = [TRUE[place] for place in old], [PREDICTED[place] for place in old]
    predicate = found(version, true, predicted, dataset=table, where=["age>=66"], target="ill")
    assert predicate["rows"] == {"there": 6, "used": 3, "checked": True, "where": ["age >= 66"]}
    with pytest.raises(InvalidEvidence, match=r"several columns of holdout\.csv could be the target: ill, p"):
        version.evaluate(true, predicted, dataset=table, where=["age>=66"])
    with pytest.raises(InvalidEvidence, match="of which 4 meet age >= 65, and 3 were given"):
        version.evaluate(true, predicted, dataset=table, where=["age >= 65"])
    reasoned = found(version, TRUE[:3], PREDICTED[:3], dataset=table, reason="the first ward only")
    assert reasoned["rows"] == {"there": 6, "used": 3, "checked": False, "reason": "the first ward only"}


def test_other_labels_are_not_those_of_the_dataset(version: Version, table: Path) -> None:
    """Labels in another order, or of another column, are refused."""
    with pytest.raises(InvalidEvidence, match=r"no column of holdout\.csv has these labels"):
        version.evaluate(TRUE[::-1], PREDICTED, dataset=table, target="")
    with pytest.raises(InvalidEvidence, match=r"column 'p' of holdout\.csv does not have these labels"):
        version.evaluate(TRUE, PREDICTED, dataset=table, target="p")
    with pytest.raises(InvalidEvidence, match="no column 'sick'"):
        version.evaluate(TRUE, PREDICTED, dataset=table, target="sick")


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        (["age >= 65"], 4),
        (["age<66", "ill = no"], 2),
        (["ill != no"], 3),
        (["age = 70.0"], 1),
        (["weight > 1", "weight <= 3"], 2),
    ],
)
def test_a_file_is_evaluated_in_the_rows_that_meet_conditions(
    table: Path, where: list[str], rows: int
) -> None:
    """All conditions are met by the rows that are taken, and the evidence lists them."""
    columns = Columns(target=("ill",), prediction=("p",))
    evaluation: Any = evaluate_file(table, "classification", columns, positive="yes", where=where)
    assert (evaluation["n"], evaluation["rows"]["there"]) == (rows, 6)
    assert len(evaluation["rows"]["where"]) == len(where)


@pytest.mark.parametrize(
    ("where", "reason"),
    [("age", "is no condition"), ("age >= old", "not a number"), ("ill < 3", "something else than numbers")],
)
def test_conditions_that_cannot_be_judged_are_refused(table: Path, where: str, reason: str) -> None:
    """A condition has a column, an operator and a value of its kind."""
    with pytest.raises(InvalidEvidence, match=reason):
        evaluate_file(table, "classification", Columns(target=("ill",), prediction=("p",)), where=[where])


def test_rows_that_miss_a_value_are_counted(version: Version, tmp_path: Path) -> None:
    """They are refused with their number, or left out and listed by column."""
    path = tmp_path / "gaps.csv"
    pd.DataFrame({"y": [1, None, 0, 1], "p": [1, 1, None, 0], "sex": ["f", "m", "m", None]}).to_csv(path)
    columns = Columns(target=("y",), prediction=("p",), groups=("sex",))
    with pytest.raises(InvalidEvidence, match="3 rows of 4 miss a value: 1 in y, 1 in p, 1 in sex"):
        evaluate_file(path, "classification", columns)
    dropped: Any = evaluate_file(path, "classification", columns, missing="drop")
    assert dropped["rows"] == {
        "there": 4,
        "used": 1,
        "checked": True,
        "missing": {"y": 1, "p": 1, "sex": 1},
    }
    predicate = found(
        version, pd.Series([1, None, 0, 1]), [1, 1, 0, 0], dataset=path, missing="drop", task="classification"
    )
    assert (predicate["target"]["column"], predicate["rows"]["used"]) == ("y", 3)


def test_the_task_is_taken_from_the_values(version: Version, tmp_path: Path) -> None:
    """Amounts are a regression, also whole ones if they are many; where it is not clear, that is said."""
    dataset = tmp_path / "data.bin"
    dataset.write_bytes(b"rows")
    assert found(version, [1.5, 2.5], [1.0, 2.0], dataset=dataset)["task"] == "regression"
    assert found(version, ["a", "b", "c"], ["a", "b", "b"], dataset=dataset)["task"].startswith("multi")
    with pytest.warns(UnclearTask, match="3 different whole numbers are taken as a classification") as caught:
        assert found(version, [1, 2, 3], [1, 2, 2], dataset=dataset)["task"].startswith("multi")
    assert caught[0].filename == __file__
    with pytest.warns(UnclearTask, match="40 different whole numbers are taken as a regression"):
        assert found(version, list(range(40)), list(range(40)), dataset=dataset)["task"] == "regression"
