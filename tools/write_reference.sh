#!/usr/bin/env bash
# Writes the pages under docs/reference that come from the binary; the tidy test compares them.
#   tools/write_reference.sh WEIR
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p docs/reference
"$1" schema >docs/reference/weir.schema.json
"$1" schema --reference >docs/reference/project-file.md
