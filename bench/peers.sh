#!/usr/bin/env bash
# Install what the server is measured beside: MLflow in .peers, and Debian's docker-registry.
set -euo pipefail
cd "$(dirname "$0")/.."
test -x .peers/bin/python || "${PYTHON:-python3}" -m venv .peers
.peers/bin/python -m pip install -q --disable-pip-version-check mlflow
# Without bytecode each start would compile all that it imports, which is not what is measured.
.peers/bin/python -m compileall -q .peers/lib || true
command -v docker-registry >/dev/null || {
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends docker-registry
}
