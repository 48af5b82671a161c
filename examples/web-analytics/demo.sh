#!/usr/bin/env bash
# The example, live: starts `weir up` on a temporary copy, drops three days of generated sessions
# into the landing folder, shows how long each took to become rows, closes the day, and ends.
#   examples/web-analytics/demo.sh WEIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "$1")
project=$(mktemp -d)
owner=
stop() {
  if [ -n "$owner" ]; then
    kill "$owner" 2>/dev/null || true
    wait "$owner" || true
  fi
  rm -rf "$project"
}
trap stop EXIT
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
milliseconds() { date +%s%3N; }

cp "$here/weir.yaml" "$project"
/usr/bin/python3 "$here/generate.py" "$project/arriving" --days 3 --sessions 200

say "weir validate"
"$weir" validate --project "$project"

say "weir up"
exec {ready}<> <(:)
"$weir" up --project "$project" --ready-fd "$ready" &
owner=$!
read -r -t 60 -N 1 -u "$ready" || { echo "weir up did not get ready" >&2; exit 1; }

# Waits until the object's run is over: its state is told by the run log, row counts by its receipt.
wait_for_run() {
  local deadline=$((SECONDS + 60))
  until "$weir" runs --project "$project" --format csv | grep -F "$1" | grep -qE 'succeeded|partial'; do
    if [ $SECONDS -ge $deadline ]; then
      echo "no rows from $1 within a minute" >&2
      "$weir" runs --project "$project" >&2
      exit 1
    fi
  done
}

mkdir -p "$project/landing"
for file in "$project"/arriving/*.json; do
  name=$(basename "$file")
  say "dropping $name"
  cp "$file" "$project/landing/$name"
  dropped=$(milliseconds)
  wait_for_run "landing/$name"
  echo "its rows are in the warehouse $(($(milliseconds) - dropped)) ms later"
done

say "weir run daily-totals"
"$weir" run daily-totals --project "$project"

say "monks.hits: $("$weir" query 'SELECT count(*) AS n FROM monks.hits' --project "$project" --format csv | tail -n 1) rows, the ten busiest"
"$weir" query 'SELECT * FROM monks.hits ORDER BY hit_count DESC, visit_id LIMIT 10' --project "$project"

say "monks.daily_totals"
"$weir" query 'SELECT * FROM monks.daily_totals ORDER BY date' --project "$project"

say "weir runs"
"$weir" runs --project "$project"

say "the receipts, as JSON"
for run in $("$weir" runs --project "$project" --format csv | tail -n +2 | cut -d, -f1); do
  "$weir" runs "$run" --project "$project" --format json
done

say "stopping weir up"
kill "$owner"
wait "$owner"
owner=
echo "done; the temporary project is removed"
