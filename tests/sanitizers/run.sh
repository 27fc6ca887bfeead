#!/bin/sh
# Runs tests in what build.sh built: all but those that bring a checker of their own, those that build the compiler again or
# run what the documentation shows, and those that compute, where the environment does not say DLG_SANITIZE_ALL=ON (see
# tests/CMakeLists.txt). Kernels are those that the tests without sanitizers have built.
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
"$(dirname "$CMAKE")/ctest" --test-dir "$DLG_BUILD_DIR/asan" --output-on-failure -j"$(nproc)" \
    -LE 'sanitizers|valgrind|oclgrind|embed|adding|docs|editors|passes'
