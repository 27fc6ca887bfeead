#!/bin/sh
# --mem-budget: half of the arena gives the same values; a refusal names a budget that works, and one byte less
# does not.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$DLG_SOURCE_DIR/tests/structure/deep_mlp.dlg" mlp.dlg
arena() { "$DLG" inspect --json "$@" | sed -n 's/^  "arena_bytes": \([0-9]*\)$/\1/p'; }

full=$(arena mlp.dlg)
half=$((full / 2))
small=$(arena mlp.dlg --mem-budget $half)
[ "$small" -gt 0 ] && [ "$small" -le "$half" ] || fail "$small bytes, and $half were asked for"

# A step in either.
cat >ones.csv <<CSV
$(awk 'BEGIN { for (i = 0; i < 128; i++) for (k = 0; k < 64; k++) printf "%.3f%s", sin(i * 64 + k), k < 63 ? "," : "\n" }')
CSV
for budget in 1G $half; do
    expect 0 "" "$DLG" run mlp.dlg --mem-budget $budget --entry train --set x=ones.csv --set y=ones.csv --seed 3 \
        --get 'h[0].w'=first.npy --get 'h[23].w'=last.npy --get loss=loss.npy
    for name in first last loss; do
        od -A n -t f4 -v -j 128 $name.npy | tr -s ' ' '\n' | sed '/^$/d' >$name.$budget
    done
done
for name in first last loss; do
    paste $name.1G $name.$half | awk -v name="$name" '
        { d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d; n++ }
        END { if (n == 0 || most > 1e-6) { print name ": " n " numbers, off by " most; exit 1 } }' ||
        fail "$name in half"
done

expect 1 'error[E0604]' "$DLGC" mlp.dlg --mem-budget 1K -o small.cl
[ ! -e small.cl ] || fail "a program was written"
least=$(sed -n 's/.*the smallest budget that works is \([0-9]*\),.*/\1/p' err)
expect 0 "" "$DLGC" mlp.dlg --mem-budget "$least" -o small.cl
[ "$(arena small.cl)" -eq "$least" ] || fail "the arena has $(arena small.cl) bytes, not $least"
expect 1 "the smallest budget that works is $least," "$DLGC" mlp.dlg --mem-budget $((least - 1)) -o smaller.cl
expect 1 'error[E0604]' "$DLG" inspect mlp.dlg --mem-budget 1K

for size in 0 -1 12X K 1KB 99999999999999999999 9999999999G; do
    expect 2 "takes a size" "$DLGC" mlp.dlg --mem-budget=$size
    expect 2 "takes a size" "$DLG" inspect mlp.dlg --mem-budget=$size
done
expect 2 "" "$DLG" inspect small.cl --mem-budget 1G
done_testing
