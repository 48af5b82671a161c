#!/usr/bin/env bash
# The example, live, on a temporary copy: loads departments, jobs and a dirty employee history, lists the
# rejected rows, mends them, gives them back and shows that nothing is left over.
#   examples/hiring/demo.sh WEIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "$1")
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

cp "$here/weir.yaml" "$project"
/usr/bin/python3 "$here/generate.py" "$project/arriving"
mkdir "$project/landing"
cp "$project"/arriving/{departments,jobs,hired_employees}.csv "$project/landing"
cd "$project"

say "weir run load-departments, load-jobs"
"$weir" run load-departments
"$weir" run load-jobs

say "weir plan load-employees: what would happen, before it does"
"$weir" plan load-employees || [ $? -eq 3 ]

say "weir run load-employees"
"$weir" run load-employees || [ $? -eq 3 ]   # 3: loaded, and some rows were rejected

say "weir rejects last"
"$weir" rejects last | head -n 12
"$weir" rejects last --format csv >rejected.csv

say "mended, as in a spreadsheet, and given back: weir replay last --with mended.csv"
"$here/mend.py" arriving/complete.csv <rejected.csv >mended.csv
"$weir" replay last --with mended.csv

say "unresolved: $("$weir" query 'SELECT count(*) FROM weir_rejects WHERE resolved_at IS NULL' --format csv | tail -n 1)"
"$weir" query 'SELECT department, count(*) AS hired FROM hired_employees e JOIN departments d ON d.id = e.department_id GROUP BY ALL ORDER BY hired DESC'

say "weir why hired_employees 5"
"$weir" why hired_employees 5
