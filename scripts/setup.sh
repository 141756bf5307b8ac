#!/usr/bin/env bash
# Makes .venv hold this program and what it needs. `setup.sh run` for the program, `setup.sh test` for its tests as well.
# A second call with nothing to do returns at once: .venv/.ready-run and .venv/.ready-test say what has been done.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-run}
venv=.venv
window_packages="libglib2.0-0 libgl1 libegl1 libdbus-1-3 libfontconfig1 libxkbcommon0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1
  libxcb-shape0 libxkbcommon-x11-0"
test_packages="xvfb xauth"

say() { printf '%s\n' "$*" >&2; }

is_ready() {
  local stamp=$venv/.ready-$purpose
  [ -x "$venv/bin/python" ] && [ -e "$stamp" ] && [ ! pyproject.toml -nt "$stamp" ] && [ ! constraints.txt -nt "$stamp" ] \
    && [ ! scripts/setup.sh -nt "$stamp" ] && [ "$(cat "$stamp")" = "$PWD" ]
}

find_python() {
  local name
  for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  say "Python 3.11 or newer is needed and was not found ($(python3 --version 2>&1 || true))."
  say "Install it and name it: make $purpose PYTHON=/path/to/python3.12"
  exit 1
}

missing_packages() {
  local package
  for package in $1; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
  done
}

install_system_packages() { # only what is missing, only on Debian and its children, only as root
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 0
  local wanted=$window_packages missing
  [ "$purpose" = test ] && wanted="$wanted $test_packages"
  "$1" -c 'import ensurepip, venv' 2>/dev/null || wanted="$wanted python3-venv"
  missing=$(missing_packages "$wanted")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    say "System packages are missing; if the window does not open, run: sudo apt-get install -y --no-install-recommends $missing"
    return 0
  fi
  say "Installing the system packages that are missing: $missing"
  local log
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    say "They could not be installed. Going on; \`landscape-gui doctor\` says what that means for the window."
  fi
  rm -f "$log"
}

install_python_packages() {
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check install --quiet --quiet -c constraints.txt)
  say "Installing the pinned Python packages (torch and Qt are large; minutes, once)."
  # torch first and by its exact version, so that the build which this machine's pip prefers is the one that stays
  "${pip[@]}" "$(grep '^torch==' constraints.txt)"
  if [ "$purpose" = test ]; then
    "${pip[@]}" -e '.[test,check,samples]'
  else
    "${pip[@]}" -e .
  fi
}

if ! is_ready; then
  python=$(find_python)
  install_system_packages "$python"
  if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
  fi
  install_python_packages
  printf '%s' "$PWD" >"$venv/.ready-$purpose"
fi
