#!/usr/bin/env bash
# Install the peers of the server: MLflow in .peers, and Debian's docker-registry.
set -euo pipefail
cd "$(dirname "$0")/.."
test -x .peers/bin/python || "${PYTHON:-python3}" -m venv .peers
.peers/bin/python -m pip install -q --disable-pip-version-check mlflow
# Without bytecode, each start would also measure compilation.
.peers/bin/python -m compileall -q .peers/lib || true
command -v docker-registry >/dev/null || {
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends docker-registry
}
