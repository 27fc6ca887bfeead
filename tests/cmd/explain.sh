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
    # that a value is said to go to; and what lies in the arena between launches is said to go somewhere.
    awk '
        FNR == NR && /^\/\/! entry / { variant = $3 ~ /@/ }
        FNR == NR && /^\/\/! buffer .* arena / {
            name = $4
            sub(/(\.[0-9]+)?@.*$/, "", name)
            arena[$3] = name
        }
        FNR == NR && /^\/\/! launch / && !variant {
            wanted[$3] = 1
            for (i = 9; i <= NF && $i != "flops"; i++) if ($i in arena && ++launches[$i] == 2) between[arena[$i]] = 1
        }
        FNR == NR { next }
        /^ +\| k[0-9]+ / { given[$2] = 1 }
        /^ +\| +[^ ]+ -> k[0-9]/ {
            goes[$2] = 1
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
            delete between["parts"] # its parts have names of their own
            for (v in between) if (!(v in goes)) { print v " goes nowhere"; bad = 1 }
            for (k in read) if (!(k in wanted)) { print "no entry launches " k ", which reads"; bad = 1 }
            exit bad
        }' program.cl explained >wrong || { fail "$file $*"; cat wrong; }
}

for file in "$DLG_SOURCE_DIR"/samples/*.dlg "$DLG_SOURCE_DIR"/tests/diff/scan_gradient.dlg \
    "$DLG_SOURCE_DIR"/tests/diff/language.dlg; do
    for level in -O0 -O1 -O2; do check_program "$file" $level; done
    check_program "$file" --target gpu
done

# What is put together in place: every part goes to the contraction over all of them, which is the last to
# read both buffers.
cat >parts.dlg <<'END'
input x : f32[4, 8]
param w : f32[8, 8] ~ glorot()
h = x
for t in 0..3 { h = tanh(h @ w) }
entry train -> loss = mean(h) { minimize mean(h) by sgd() }
END
expect 0 "" "$DLGC" -O1 --emit plan parts.dlg
reader=$(awk '/^\/\/! buffer .* parts/ { part[$3] = 1 }
    /^\/\/! launch / { n = 0; for (i = 9; $i != "flops"; i++) n += $i in part; if (n == 2) last = $3 }
    END { print last }' out)
[ -n "$reader" ] || fail "the gradient is not put together in place"
expect 0 "" "$DLGC" -O1 --explain parts.dlg
parts=$(grep -cE -- " -> .*$reader: a contraction reads" out)
[ "$parts" -eq 4 ] || { fail "$parts parts go to $reader, not 4"; cat out; }

# It is text like the others: to standard output, or where -o says; what it replaces is its own.
cp "$DLG_SOURCE_DIR/samples/xor.dlg" xor.dlg
expect 0 "Kernels of xor.dlg" "$DLGC" --explain xor.dlg
[ ! -e xor.cl ] || fail "--explain writes a program"
expect 0 "" "$DLGC" --explain xor.dlg -o why.txt
expect 0 "" "$DLGC" --explain xor.dlg -o why.txt
grep -q '^Kernels of' why.txt || fail "-o"
expect 1 "is not overwritten" "$DLGC" xor.dlg -o why.txt
done_testing
