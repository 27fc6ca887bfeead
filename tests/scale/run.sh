#!/bin/sh
# How compiling grows, in instructions, which are the same on a busy machine: twice the program takes
# about twice as many. tests/unit/test_scale.c counts memory. Arguments: dlgc, then kinds (all).
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

explained="explain-functions explain-through explain-fors explain-params explain-mlp"
for kind in ${*:-$(sh "$programs" | cut -d ' ' -f 1) $explained}; do
    size=$(sh "$programs" | sed -n "s/^${kind#explain-} \([0-9]*\) .*/\1/p")
    half=$(instructions "$kind" $((size / 32)))
    growth=
    for part in 16 8 4; do
        whole=$(instructions "$kind" $((size / part)))
        if [ -z "$half" ] || [ -z "$whole" ]; then
            growth=
            break
        fi
        growth=$((whole * 100 / half))
        half=$whole
        echo "$kind $((size / part)): $whole instructions, $growth % of those at half the size"
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
