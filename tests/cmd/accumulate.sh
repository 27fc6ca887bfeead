#!/bin/sh
# The optimizer of docs/language.md that adds up gradients: four batches of 16 are one of 64. Resumed between
# two steps, where the sums are on their way, it ends with the same bits.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$DLG_SOURCE_DIR/samples/digits.csv" .
{
    sed '/^entry train/d' "$DLG_SOURCE_DIR/samples/digits.dlg"
    awk '/^optimizer accumulated/, /^}/' "$DLG_SOURCE_DIR/docs/language.md"
} >base.dlg
{ cat base.dlg; echo 'entry train -> loss { minimize loss by accumulated(lr = 0.1) }'; } >small.dlg
{ cat base.dlg; echo 'entry train -> loss { minimize loss by sgd(lr = 0.1) }'; } >large.dlg
grep -q "^optimizer accumulated" small.dlg || fail "the documentation has no such optimizer"
expect 0 "" dlg train large.dlg --steps 22 --save large
expect 0 "" dlg train small.dlg -D batch=16 --steps 88 --save small
expect 0 "evaluate: loss" dlg eval large.dlg --load large --all
cp out large.out
expect 0 "evaluate: loss" dlg eval large.dlg --load small --all --partial
same large.out out
keep="dlg train small.dlg -D batch=16 --checkpoint c --resume --save resumed"
expect 0 "" $keep --steps 41
expect 0 "c: going on after step 41" $keep --steps 88
same small resumed
done_testing
