# shellcheck shell=bash
# What the scripts in ci/ share. Source it; it changes to the top of the checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# One job a core, and one for each 1.5 GB of memory: a source file with Asio in it needs about 1 GB.
build_jobs() {
  local cores memory_kb by_memory
  cores=$(nproc)
  memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  by_memory=$((memory_kb / 1500000))
  ((by_memory < 1)) && by_memory=1
  echo $((cores < by_memory ? cores : by_memory))
}

# build PRESET [TARGET…]: configures and builds; everything when no target is named.
build() {
  local preset=$1
  shift
  say "building preset $preset" "$@"
  local log
  log=$(cmake --preset "$preset" 2>&1) || {
    printf '%s\n' "$log" >&2
    die "cmake could not configure preset $preset; its message is above"
  }
  if [ $# -gt 0 ]; then set -- --target "$@"; fi
  cmake --build --preset "$preset" -j "$(build_jobs)" "$@"
}
