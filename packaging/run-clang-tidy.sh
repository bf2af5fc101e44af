#!/usr/bin/env bash
# clang-tidy over src, with the build folder's compile commands: run-clang-tidy.sh BUILD [FILE…]
# Fails when anything is found.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
if [ $# -gt 0 ]; then
  printf '%s\n' "$@"
else
  find src -name '*.cc' | sort
fi | xargs -P "${JOBS:-$(nproc)}" -n 1 clang-tidy-19 --quiet -p "$build"
