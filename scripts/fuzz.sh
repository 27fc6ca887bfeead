#!/bin/sh
# fuzz.sh SECONDS OUT: builds the fuzzers with clang and runs all of them side by side; what they find, their logs and
# their grown corpora lie in OUT.
# fuzz.sh --package FILE.tar.gz: the same as an archive with all it needs, for a machine without a compiler: there,
# `sh run.sh SECONDS OUT`.
set -u
. "$(dirname -- "$0")/common.sh"
[ $# -eq 2 ] || die "say how long, in seconds, and where to; or --package FILE.tar.gz"
# shellcheck disable=SC2086 # lists of words
need $build_packages clang libclang-rt-dev libcunit1-dev
build "$root/build-fuzz" -DDLG_FUZZ=ON -DDLG_SANITIZE=ON -DDLG_TESTS=ON -DDLG_BENCH=OFF -DCMAKE_C_COMPILER=clang
there=$root/build-fuzz/fuzz
rm -rf "$there"
mkdir -p "$there/bin" "$there/lib" || exit 1
for f in "$root"/tests/fuzz/fuzz_*.c; do
    name=$(basename "$f" .c)
    objcopy -g "$root/build-fuzz/tests/$name" "$there/bin/$name" || exit 1
done
sh "$root/tests/fuzz/seeds.sh" "$root/build-fuzz/dlgc" "$there/seeds" || exit 1
if [ "$1" != --package ]; then
    rmdir "$there/lib"
    exec sh "$root/tests/fuzz/run_all.sh" "$1" "$2" "$there/bin" "$there/seeds"
fi
cp "$root/tests/fuzz/run_all.sh" "$there/run.sh"
ldd "$there"/bin/* | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
    grep -Ev '/(libc|libm|libpthread|libdl|librt|libresolv|ld-linux[^/]*)\.so' | xargs -I{} cp -L {} "$there/lib/"
tar -C "$there/.." -czf "$2" fuzz && ls -l "$2"
