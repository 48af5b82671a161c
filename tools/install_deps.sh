#!/usr/bin/env bash
# Installs what is missing, and nothing when nothing is.
#   tools/install_deps.sh build|test|check
# Debian packages come from tools/apt-packages.txt, npm packages from package-lock.json.
set -euo pipefail
cd "$(dirname "$0")/.."

group=${1:-check}
case "$group" in
  build) groups='build' ;;
  test) groups='build|test' ;;
  check) groups='build|test|check' ;;
  *) echo "usage: $0 build|test|check" >&2; exit 2 ;;
esac

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "weir: must install packages: run \`make deps\` as root, or install sudo" >&2
    exit 1
  fi
}

installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
while read -r in_group package _; do
  [[ $in_group =~ ^($groups)$ ]] || continue
  installed "$package" || missing+=("$package")
done < <(sed 's/#.*//' tools/apt-packages.txt)
# A Node.js from elsewhere may bring its own npm, which dpkg does not know.
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)

if [ ${#missing[@]} -gt 0 ]; then
  echo "weir: installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "${missing[@]}" >/dev/null
fi

stamp=node_modules/.package-lock.sha256
lock=$(sha256sum package-lock.json)
if [ "$(cat "$stamp" 2>/dev/null)" != "$lock" ]; then
  echo "weir: installing the npm packages that package-lock.json pins"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  printf '%s\n' "$lock" >"$stamp"
fi
