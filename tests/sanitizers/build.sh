#!/bin/sh
# Builds everything once more, under AddressSanitizer and UBSan, beside other tests: on half of the processors.
set -u
build=$DLG_BUILD_DIR/asan
log=$DLG_TMP/build.log
{ "$CMAKE" -S "$DLG_SOURCE_DIR" -B "$build" -DDLG_SANITIZE=ON -DDLG_SANITIZE_ALL="${DLG_SANITIZE_ALL:-OFF}" -DDLG_TESTS=ON \
    -DDLG_TEST_CACHE="$POCL_CACHE_DIR" -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS_RELWITHDEBINFO="-O1 -g1" &&
    "$CMAKE" --build "$build" -j"$((($(nproc) + 1) / 2))"; } >"$log" 2>&1 || { tail -n 40 "$log"; exit 1; }
