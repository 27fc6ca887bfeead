#!/bin/sh
# How compiling grows, in instructions, which are the same on a busy machine: twice the program takes
# about twice as many. tests/unit/test_scale.c counts memory. Arguments: dlgc, then kinds (some that go
# through most of the compiler; with DLG_SCALE_ALL set all, twice as large: a step that is of little weight shows itself late).
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
dlgc=$1
shift
programs=${DLG_SOURCE_DIR:-$(dirname -- "$0")/../..}/tests/scale/program.sh
most=230 # per cent of growth: what is sorted, and what saturates late, grows a little faster
failures=0

# instructions KIND N: of a kind that begins with `explain-`, with --explain
instructions() {
    sh "$programs" "${1#explain-}" "$2" >large.dlg
    case $1 in
    explain-*) set -- --explain -o large.txt ;;
    *) set -- -o large.cl ;;
    esac
    valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null \
        "$dlgc" large.dlg "$@" 2>&1 | sed -n 's/.*I *refs: *//p' | tr -d ,
}

kinds="chain mlp lstm attend attended rebound fan calls through scans nested body updates"
smaller=2
if [ -n "${DLG_SCALE_ALL:-}" ]; then
    kinds=$(sh "$programs" | cut -d ' ' -f 1)
    smaller=1
fi
explained="explain-functions explain-through explain-fors explain-params explain-mlp"
for kind in ${*:-$kinds $explained}; do
    size=$(sh "$programs" | sed -n "s/^${kind#explain-} \([0-9]*\) .*/\1/p")
    # What grows with the square of rows alone shows late: there the largest size decides.
    case $kind in
    attended) first=8 parts=4 ;;
    *) first=32 parts='16 8 4' ;;
    esac
    half=$(instructions "$kind" $((size / first / smaller)))
    growth=
    for part in $parts; do
        whole=$(instructions "$kind" $((size / part / smaller)))
        if [ -z "$half" ] || [ -z "$whole" ]; then
            growth=
            break
        fi
        growth=$((whole * 100 / half))
        half=$whole
        echo "$kind $((size / part / smaller)): $whole instructions, $growth % of those at half the size"
        # A step that ends at a limit of its own grows faster up to there: then the next size tells.
        [ "$growth" -gt "$most" ] || break
    done
    if [ -z "$growth" ] || [ "$growth" -gt "$most" ]; then
        echo "FAIL: $kind: ${growth:-no count of instructions}, and $most % is the most"
        failures=$((failures + 1))
    fi
done
[ -n "$*" ] || sh "$(dirname -- "$programs")/samples.sh" "$dlgc" || failures=$((failures + 1))
[ "$failures" -eq 0 ]
