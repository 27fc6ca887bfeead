#!/bin/sh
# test.sh [CTEST OPTION...]: installs what is missing, builds into build/ and runs all tests; for
# example `test.sh -R unit`. With CI set, warnings are errors and the format is checked first.
set -u
. "$(dirname -- "$0")/common.sh"
cd "$root" || exit 1

# shellcheck disable=SC2086 # lists of words
need $build_packages $test_packages ${CI:+clang-format}

if [ -n "${CI:-}" ]; then
    find compiler runtime tests bench -name '*.[ch]' | xargs clang-format --dry-run -Werror ||
        die "the format of the code is not that of .clang-format: clang-format -i mends it"
    say "Format: clean"
fi
build "$root/build" ${CI:+-DDLG_WERROR=ON} -DDLG_TESTS=ON
exec ctest --test-dir "$root/build" --output-on-failure -j"$cpus" "$@"
