#!/usr/bin/env bash
# The example, live, on a temporary copy: loads departments, jobs and a dirty employee history, lists the
# rejected rows, mends them, gives them back and shows that nothing is left over. Then the same by HTTP:
# rows in, in a batch and as a CSV file, and the two reports out.
#   examples/hiring/demo.sh WEIR                    its tables are in a DuckDB file
#   examples/hiring/demo.sh WEIR postgres           … in the database $HIRING_POSTGRES, which is empty
#   examples/hiring/demo.sh WEIR mysql              … in the database $HIRING_MYSQL, which is empty
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "$1")
engine=${2:-duckdb}
case $engine in
  duckdb) environment=() ;;
  postgres) environment=(--env postgres); : "${HIRING_POSTGRES:?names the database}" ;;
  mysql) environment=(--env mysql); : "${HIRING_MYSQL:?names the database}" ;;
  *) echo "usage: demo.sh WEIR [postgres|mysql]" >&2; exit 2 ;;
esac
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
weir() { "$weir" "$@" "${environment[@]}"; }

cp "$here"/weir*.yaml "$project"
cp -r "$here/sql" "$project"
/usr/bin/python3 "$here/generate.py" "$project/arriving"
mkdir "$project/landing"
cp "$project"/arriving/{departments,jobs,hired_employees}.csv "$project/landing"
cd "$project"

say "weir validate"
weir validate

say "weir run load-departments, load-jobs"
weir run load-departments
weir run load-jobs

say "weir plan load-employees: what would happen, before it does"
weir plan load-employees || [ $? -eq 3 ]

say "weir run load-employees"
weir run load-employees || [ $? -eq 3 ]   # 3: loaded, and some rows were rejected

say "weir rejects last"
weir rejects last | head -n 12
weir rejects last --format csv >rejected.csv

say "mended, as in a spreadsheet, and given back: weir replay last --with mended.csv"
"$here/mend.py" arriving/complete.csv <rejected.csv >mended.csv
weir replay last --with mended.csv

say "unresolved: $(weir query 'SELECT count(*) FROM weir_rejects WHERE resolved_at IS NULL' --format csv | tail -n 1)"

say "weir why hired_employees 5"
weir why hired_employees 5

say "weir up: the same by HTTP"
weir key create demo --format json >key.json
key=$(/usr/bin/python3 -c 'import json; print(json.load(open("key.json"))["key"])')
exec {ready}<> <(:)
"$weir" up --port 0 --ready-fd "$ready" "${environment[@]}" 2>up.log &
owner=$!
read -r -t 60 -N 1 -u "$ready" || { cat up.log >&2; exit 1; }
api=$(cat .weir/*/api)
ask() { curl --silent --show-error --fail-with-body --header "x-api-key: $key" "$@"; }

say "a batch of rows, one of them bad: POST /api/tables/hired_employees/rows"
ask --json '[
  {"id": 900001, "name": "Ada Byron", "datetime": "2021-11-07T02:48:42Z", "department_id": 1, "job_id": 2},
  {"id": 900002, "name": null,        "datetime": "2021-11-07T02:48:42Z", "department_id": 1, "job_id": 2},
  {"id": 900003, "name": "Max Plon",  "datetime": "2021-05-30T05:43:46Z", "department_id": 4, "job_id": 3}]' \
  "$api/api/tables/hired_employees/rows" | /usr/bin/python3 -m json.tool --no-ensure-ascii | head -n 40

say "a CSV file: POST /api/rows?table=departments&schema=public&append=true"
{ echo id,department; echo 900,Night Shift; } >departments.csv
ask --data-binary @departments.csv "$api/api/rows?table=departments&schema=public&append=true"

say "hired for each job and department in 2021, by quarter: GET /api/queries/hired-by-quarter"
ask --header 'accept: text/csv' "$api/api/queries/hired-by-quarter" >by-quarter.csv
head -n 6 by-quarter.csv

say "departments that hired more than the mean in 2021: GET /api/queries/hired-above-mean"
ask "$api/api/queries/hired-above-mean" | tee above-mean.json

say "a value that is none of its type: ?year=soon"
curl --silent --header "x-api-key: $key" "$api/api/queries/hired-by-quarter?year=soon"

say "stopping weir up"
kill "$owner"
wait "$owner"
owner=
echo "done; the temporary project is removed"
