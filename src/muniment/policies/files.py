"""Policy files, in YAML."""

from pathlib import Path

import yaml

from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidPolicy
from muniment.policies.documents import MAX_POLICY_BYTES


def load_yaml(path: Path) -> JsonObject:
    """Read a YAML file that holds an object. Times stay text, and duplicate keys are refused.

    Raises:
        InvalidPolicy: it is missing, is larger than 1 MiB, or is not a YAML object.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise InvalidPolicy(reason=f"{path}: {error.strerror}") from error
    if len(data) > MAX_POLICY_BYTES:
        raise InvalidPolicy(reason="the file is larger than 1 MiB")
    try:
        document = yaml.load(data, _Loader)  # noqa: S506 - it is a safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidPolicy(reason=f"not YAML: {describe_fault(error)}") from error
    if not isinstance(document, dict):
        raise InvalidPolicy(reason="expected a YAML object")
    return document


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


class _Loader(yaml.SafeLoader):
    """The safe loader, stricter."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 - yaml's signature
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise InvalidPolicy(reason=f"duplicate key {key.value!r}")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
