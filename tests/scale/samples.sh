#!/bin/sh
# Every sample compiles in a blink: at most so many instructions, which take less than 20 ms. They are the same on a
# busy machine, and time is not. The transformer, whose four layers are 69 launches, may take 150 ms: it is counted with
# DLG_SCALE_ALL set, for counting it takes a minute. Argument: dlgc.
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
failures=0
for sample in "${DLG_SOURCE_DIR:-$(dirname -- "$0")/../..}"/samples/*.dlg; do
    name=$(basename "$sample" .dlg)
    [ "$name" != gpt ] || [ -n "${DLG_SCALE_ALL:-}" ] || continue
    count=$(valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null \
        "$1" "$sample" -o sample.cl 2>&1 | sed -n 's/.*I *refs: *//p' | tr -d ,)
    most=190000000
    [ "$name" != gpt ] || most=1200000000
    echo "$name: $count instructions"
    if [ "${count:-0}" -eq 0 ] || [ "$count" -gt "$most" ]; then
        echo "FAIL: $sample: ${count:-no count of} instructions, and $most is the most"
        failures=$((failures + 1))
    fi
done
[ "$failures" -eq 0 ]
