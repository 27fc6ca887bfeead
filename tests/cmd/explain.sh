#!/bin/sh
# dlgc --explain says of every kernel where it comes from and what it costs, as the plan does: on every
# sample, level and target. The wording is pinned in tests/golden/explain.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"

check_program() { # check_program FILE ARGUMENT...
    file=$1
    shift
    expect 0 "Kernels of $file, target" "$DLGC" "$@" --explain "$file"
    cp out explained
    expect 0 "" "$DLGC" "$@" "$file" -o program.cl
    # The totals are those of dlg inspect, word for word.
    expect 0 "" "$DLG" inspect program.cl
    sed -n '/^entry  *launches/,/^$/p' out >inspected
    sed -n '/^entry  *launches/,/^$/p' explained >totals
    same inspected totals
    # Each kernel that an entry of the user's launches stands under a line, with its figures; so does each
    # that a value is said to go to.
    awk '
        FNR == NR && /^\/\/! entry / { variant = $3 ~ /@/ }
        FNR == NR && /^\/\/! launch / && !variant { wanted[$3] = 1 }
        FNR == NR { next }
        /^ +\| k[0-9]+ / { given[$2] = 1 }
        /^ +\| +[^ ]+ -> k[0-9]/ {
            list = $0
            sub(/^.* -> /, "", list)
            sub(/: .*/, "", list)
            n = split(list, to, ", ")
            for (i = 1; i <= n; i++) read[to[i]] = 1
            reason = $0
            sub(/^.* -> [k0-9, ]*: /, "", reason)
            if (reason == "" || reason == $0) { print "no reason: " $0; bad = 1 }
        }
        END {
            for (k in wanted) if (!(k in given)) { print k " stands under no line"; bad = 1 }
            for (k in given) if (!(k in wanted)) { print "no entry launches " k; bad = 1 }
            for (k in read) if (!(k in wanted)) { print "no entry launches " k ", which reads"; bad = 1 }
            exit bad
        }' program.cl explained >wrong || { fail "$file $*"; cat wrong; }
}

for file in "$DLG_SOURCE_DIR"/samples/*.dlg "$DLG_SOURCE_DIR"/tests/diff/scan_gradient.dlg \
    "$DLG_SOURCE_DIR"/tests/diff/language.dlg; do
    for level in -O0 -O1 -O2; do check_program "$file" $level; done
    check_program "$file" --target gpu
done

# It is text like the others: to standard output, or where -o says; what it replaces is its own.
cp "$DLG_SOURCE_DIR/samples/xor.dlg" xor.dlg
expect 0 "Kernels of xor.dlg" "$DLGC" --explain xor.dlg
[ ! -e xor.cl ] || fail "--explain writes a program"
expect 0 "" "$DLGC" --explain xor.dlg -o why.txt
expect 0 "" "$DLGC" --explain xor.dlg -o why.txt
grep -q '^Kernels of' why.txt || fail "-o"
expect 1 "is not overwritten" "$DLGC" xor.dlg -o why.txt
done_testing
