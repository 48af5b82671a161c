#!/usr/bin/env bash
# The example, live, on a temporary copy: a laboratory's server, a schedule that fetches its export, the object's
# arrival that loads it, an export that has not changed, one that has, and a check by other means.
#   examples/lab-results/demo.sh WEIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "$1")
project=$(mktemp -d)
owner= server=
stop() {
  for process in $owner $server; do
    kill "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  rm -rf "$project"
}
trap stop EXIT
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# Until the command's output has the words; else the demonstration has failed.
until_says() {
  local words=$1 deadline=$((SECONDS + 60))
  shift
  until "$@" 2>/dev/null | grep -qE "$words"; do
    [ $SECONDS -lt $deadline ] || { echo "not within a minute: $words" >&2; "$weir" runs >&2; exit 1; }
  done
}
count() { "$weir" runs --pipeline "$1" --format csv | grep -cE "$2" || true; }

cp "$here/weir.yaml" "$project"
cd "$project"
token=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
/usr/bin/python3 "$here/generate.py" export.csv --rows 5000 --seed 1
cp export.csv export-1.csv

say "the laboratory's server"
exec {said}< <(exec /usr/bin/python3 "$here/serve.py" export.csv "$token" 2>&1)
server=$!
read -r -t 60 -u "$said" port
export LAB_URL=http://127.0.0.1:$port/results.csv
export LAB_SCHEDULE="*/2 * * * * *"          # every two seconds, to be watched; the example's own is once a day
cat <&"$said" >server.log &

say "weir secret set lab"
printf %s "$token" | "$weir" secret set lab

say "weir validate, weir plan fetch-results"
"$weir" validate
"$weir" plan fetch-results

say "weir up: the schedule fetches, the arrival loads"
exec {ready}<> <(:)
"$weir" up --ready-fd "$ready" &
owner=$!
read -r -t 60 -N 1 -u "$ready" || { echo "weir up did not get ready" >&2; exit 1; }
until_says succeeded "$weir" runs --pipeline load-results --format csv
until_says skipped "$weir" runs --pipeline fetch-results --format csv
echo "fetched once; then: not modified, so nothing arrives"

say "the laboratory has a new export: new calls, and some of the old ones made again"
/usr/bin/python3 "$here/generate.py" export-2.csv --rows 6000 --seed 2
cp export-2.csv export.csv.new && mv export.csv.new export.csv
until [ "$(count load-results succeeded)" -ge 2 ]; do
  [ $SECONDS -lt 120 ] || { echo "the new export was not loaded" >&2; exit 1; }
done

say "stopping weir up"
kill "$owner"
wait "$owner"
owner=

say "weir runs"
"$weir" runs --limit 12
say "what the server was asked"
sort server.log | uniq -c | sort -rn | head -n 5

say "resultados, checked by other means"
"$weir" query 'SELECT * FROM resultados' --format csv >table.csv
/usr/bin/python3 "$here/check.py" export-1.csv export-2.csv <table.csv
"$weir" query 'SELECT RESULTADO, count(*) AS n, max(FECHA_COPIA) AS copia FROM resultados GROUP BY ALL ORDER BY n DESC'
echo "done; the temporary project is removed"
