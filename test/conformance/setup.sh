#!/usr/bin/env bash
# Puts the Python tools into .venv, once per version of requirements.txt.
set -euo pipefail
cd "$(dirname "$0")/../.."
wanted=test/conformance/requirements.txt
if cmp -s "$wanted" .venv/installed.txt; then exit 0; fi
rm -rf .venv
python3 -m venv .venv || { echo 'needs Python 3 with venv: install python3-venv' >&2; exit 1; }
.venv/bin/pip install --quiet --disable-pip-version-check --requirement "$wanted"
cp "$wanted" .venv/installed.txt
