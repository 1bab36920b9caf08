"""Policy files, in YAML."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from muniment.core.canonical import JsonObject
from muniment.core.errors import FileUnusable, FixturesNotFound, InvalidPolicy
from muniment.policies.documents import MAX_POLICY_BYTES, read_policy


def load_policy(path: Path) -> JsonObject:
    """Read a policy file, and check that it is one.

    Raises:
        InvalidPolicy: it is not; its words name the line and the column.
        MissingExtra: it has expressions, and the `policies` extra is not installed.
    """
    document = load_yaml(path)
    with point_into(path):
        read_policy(document)
    return document


def load_fixtures(policy: Path) -> tuple[Path, JsonObject]:
    """Find and read the fixtures of a policy file, which are beside it; return their path as well.

    Raises:
        FixturesNotFound: there is no such file.
        InvalidPolicy: it is not a YAML object.
    """
    path = policy.with_suffix(".fixtures.yaml")
    if not path.exists():
        raise FixturesNotFound(policy=str(policy), fixtures=str(path))
    return path, load_yaml(path)


def load_yaml(path: Path) -> JsonObject:
    """Read a YAML file that holds an object. Times stay text, and duplicate keys are refused.

    Raises:
        FileUnusable: it cannot be read.
        InvalidPolicy: it is larger than 1 MiB, or is not a YAML object.
    """
    data = _read(path)
    try:
        document = yaml.load(data, _Loader)  # noqa: S506 - it is a safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidPolicy(reason=f"not YAML: {describe_fault(error)}") from error
    if not isinstance(document, dict):
        raise InvalidPolicy(reason="expected a YAML object")
    return document


@contextmanager
def point_into(path: Path) -> Iterator[None]:
    """Say of a refusal inside in which line and column of a file what is wrong begins."""
    try:
        yield
    except InvalidPolicy as error:
        root = yaml.compose(_read(path), _Loader) if error.where else None
        if root is None:
            raise
        mark = _find(root, error.where)
        raise InvalidPolicy(reason=f"{_name(mark)}: {error.reason}") from error


def describe_fault(error: Exception) -> str:
    """Say where a text is not YAML, and why."""
    match error:
        case yaml.MarkedYAMLError(problem_mark=yaml.Mark(line=line, column=column), problem=problem):
            return f"line {line + 1}, column {column + 1}: {problem}"
        case yaml.reader.ReaderError(position=position):
            return f"the character {position + 1} is not allowed"
        case RecursionError():
            return "nested too deeply"
        case _:
            return "a value cannot be read"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise FileUnusable(path=str(path), reason=error.strerror or type(error).__name__) from error
    if len(data) > MAX_POLICY_BYTES:
        raise InvalidPolicy(reason="the file is larger than 1 MiB")
    return data


def _find(node: yaml.Node, where: tuple[str, ...]) -> yaml.Mark:
    """Find where a member of a document begins; of one that is missing, where what lacks it begins."""
    mark = node.start_mark
    for step in where:
        match node:
            case yaml.MappingNode(value=pairs):
                found = [pair for pair in pairs if pair[0].value == step]
                if not found:
                    return mark
                (key, node), *_ = found
                mark = key.start_mark
            case yaml.SequenceNode(value=items) if step.isdigit() and int(step) < len(items):
                node = items[int(step)]
                mark = node.start_mark
            case _:
                return mark
    return mark


def _name(mark: yaml.Mark) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


class _Loader(yaml.SafeLoader):
    """The safe loader, stricter."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 - yaml's signature
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise InvalidPolicy(reason=f"{_name(key.start_mark)}: duplicate key {key.value!r}")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
