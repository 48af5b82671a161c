#!/usr/bin/env bash
# Formats the C++ sources in place; with --check says which are not formatted and fails.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
[ "${1:-}" = --check ] && mode=(--dry-run -Werror)
find src bench tests tools -name '*.h' -o -name '*.cc' | sort | xargs -r clang-format "${mode[@]}"
