#!/usr/bin/env bash
# Runs every fuzzer of a fuzz build, sharing SECONDS_IN_ALL between them. New inputs stay in the
# build folder; a crash leaves its input in BUILD/crashes and fails.
#   tools/fuzz.sh BUILD SECONDS_IN_ALL
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
seconds_in_all=$2

mapfile -t sources < <(find src -name '*_fuzz.cc' | sort)
if [ ${#sources[@]} -eq 0 ]; then
  echo "weir: no fuzzers" >&2
  exit 1
fi
seconds=$((seconds_in_all / ${#sources[@]}))
[ "$seconds" -ge 1 ] || seconds=1
mkdir -p "$build/crashes"

for source in "${sources[@]}"; do
  folder=$(dirname "$source")
  target=$(basename "$source" .cc)
  seeds=$folder/corpus/${target%_fuzz}
  found=$build/corpus/$target
  mkdir -p "$found"
  echo "== $target for $seconds s"
  log=$build/$target.log
  if ! "$build/$folder/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$build/crashes/$target-" "$found" "$seeds" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "weir: $target failed; its input is in $build/crashes" >&2
    exit 1
  fi
  grep -E 'number_of_executed_units|peak_rss_mb' "$log"
done
