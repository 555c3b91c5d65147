#!/usr/bin/env bash
# Puts the Python tools into .venv, once per version of requirements.txt.
set -euo pipefail
cd "$(dirname "$0")/../.."
wanted=test/conformance/requirements.txt
install() { .venv/bin/pip install --quiet --disable-pip-version-check "$@"; }
if ! cmp -s "$wanted" .venv/installed.txt; then
  rm -rf .venv
  python3 -m venv .venv || { echo 'needs Python 3 with venv: install python3-venv' >&2; exit 1; }
  install --requirement "$wanted"
  cp "$wanted" .venv/installed.txt
fi
# Next to the tools, which need an older botocore.
models=test/conformance/models.txt
if ! cmp -s "$models" .venv/models/installed.txt; then
  rm -rf .venv/models
  install --no-deps --target .venv/models --requirement "$models"
  cp "$models" .venv/models/installed.txt
fi
