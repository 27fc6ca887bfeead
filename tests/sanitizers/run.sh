#!/bin/sh
# Builds everything once more, under AddressSanitizer and UBSan, and runs the tests there: all but those that bring a
# checker of their own, and those that build the compiler again or run what the documentation shows. Kernels are those
# that the tests without sanitizers have built.
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
build=$DLG_BUILD_DIR/asan
log=$DLG_TMP/build.log
{ "$CMAKE" -S "$DLG_SOURCE_DIR" -B "$build" -DDLG_SANITIZE=ON -DDLG_TESTS=ON -DDLG_TEST_CACHE="$POCL_CACHE_DIR" -DCMAKE_C_COMPILER="$CC" &&
    "$CMAKE" --build "$build" -j"$(nproc)"; } >"$log" 2>&1 || { tail -n 40 "$log"; exit 1; }
"$(dirname "$CMAKE")/ctest" --test-dir "$build" --output-on-failure -j"$(nproc)" -LE 'sanitizers|valgrind|oclgrind|embed|adding|docs|editors|passes'
