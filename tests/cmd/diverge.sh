#!/bin/sh
# A training whose loss or weights are no longer finite stops, says where, and keeps what was good.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$data/line.cl" "$data/line.csv" .
holds() { # holds FILE: the weights of step 15
    expect 0 "" "$DLG" run line.cl --load "$1" --rows 0 --get w=w.npy
    same w.npy w15.npy
}
train="dlg train line.cl --set rate=100 --epochs 30000 --quiet"

# The step is told, and so is the weights' and the checkpoint's: the last ones before.
expect 4 "the training diverged: \`loss\` is nan in step 19, after inf in step 18" $train --save w --checkpoint c --checkpoint-every 5
grep -q "w: the weights after step 15, the last ones known to be finite" err || fail "the weights: $(cat err)"
grep -q "c: the checkpoint is the last one from before" err || fail "the checkpoint: $(cat err)"
grep -q "to try: a smaller learning rate" err || fail "nothing to try: $(cat err)"
expect 0 "" "$DLG" train line.cl --set rate=100 --quiet --steps 15 --save w15
expect 0 "" "$DLG" run line.cl --load w15 --rows 0 --get w=w15.npy
holds w
holds c
expect 0 "" "$DLG" train line.cl --set rate=100 --quiet --load c --set rate=0 --epochs 1
expect 4 "in step 19" $train --checkpoint c --checkpoint-every 5 --resume

# Weights that ended as they should not: the last step's are looked at. What is there is not overwritten.
expect 4 "is nan after step 18" $train --steps 18 --save w
holds w
expect 0 "" "$DLG" train line.cl --set rate=100 --quiet --steps 18 --save bad --ignore-nan
expect 4 "before the first step is done: the run began with it" "$DLG" train line.cl --set rate=0 --quiet --load bad --save w
grep -q "w is not written" err || fail "what was saved: $(cat err)"
grep -q "to try: other weights than those of --load" err || fail "what to try: $(cat err)"
grep -q "learning rate" err && fail "a learning rate helps nothing here: $(cat err)"
holds w
expect 0 "warning: not all that entry \`train\` returned is finite" "$DLG" train line.cl --set rate=1e9 \
    --epochs 30 --ignore-nan

# With --patience it is the best epoch's that are saved.
expect 4 "the weights of the best epoch, 1" $train --holdout 0.2 --patience 1000 --save best

# Weights that are NaN are told by what only reads them too; it is no error.
expect 0 "warning: bad: w holds NaN, first at w" "$DLG" run line.cl --load bad --rows 0
expect 0 "" "$DLG" run line.cl --load w15 --rows 0
grep -q warning err && fail "sound weights: $(cat err)"

expect 0 "" "$DLG" train line.cl --set rate=1e30 --quiet --steps 2 --save endless --ignore-nan
expect 0 "warning: endless: w holds what is infinite, first at w[0]" "$DLG" run line.cl --load endless --rows 0

# A label out of range is what newcomers meet: it is the first thing to try, with what the data holds.
sed '3s/,[0-9]*$/,10/' "$DLG_SOURCE_DIR/samples/digits.csv" >label.csv
sed '3s/,[0-9]*$/,-1/' "$DLG_SOURCE_DIR/samples/digits.csv" >below.csv
digits=$DLG_SOURCE_DIR/samples/digits.dlg
expect 4 "to try: labels and tokens within 0..c-1" "$DLG" train $digits --epochs 1 --data y=label.csv:64
grep -q '`y` holds 0 to 10 in the data: with fewer classes, or rows in a table, than 11 ' err ||
    fail "the labels: $(cat err)"
# In the first step nothing was learned yet, whatever the rate.
expect 4 "\`loss\` is nan in step 1" "$DLG" train $digits --epochs 1 -D classes=9
grep -q "learning rate" err && fail "a learning rate helps nothing here: $(cat err)"
expect 4 "holds -1 to 9 in the data: a label or an index below 0" "$DLG" train $digits --epochs 1 \
    --data y=below.csv:64
# Where the loss grew, labels are not to blame.
cat >fast.dlg <<'DLG'
input x : f32[64, 64] from "digits.csv" columns 0:64
input y : i32[64] from "digits.csv" columns 64
loss = mse(dense(x, 1)[:, 0], cast(y, f32))
entry train -> loss { minimize loss by sgd(lr = 1) }
DLG
cp "$DLG_SOURCE_DIR/samples/digits.csv" .
expect 4 "to try: a smaller learning rate" "$DLG" train fast.dlg
grep -q "label" err && fail "the labels are as they should be: $(cat err)"
# Epochs that are told late are those of the step all the same.
head -n 96 "$DLG_SOURCE_DIR/samples/digits.csv" >few.csv
awk -F, -v OFS=, 'NR == 50 { $65 = 12 } { print }' few.csv >off.csv
for seed in 1 2 3; do
    expect 4 "\`y\` holds 0 to 12 in the data" "$DLG" train $digits --seed $seed --epochs 20 --quiet \
        --data x=off.csv:0:64 --data y=off.csv:64
done
# An array may hold what is no number: its row is told, and nothing that would not help.
{
    printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (8, 2), }"
    for k in 1 2 3 4 5 6 7 8 9 10 11; do printf '\000\000\200\077'; done
    printf '\000\000\300\177'
    for k in 13 14 15 16; do printf '\000\000\200\077'; done
} >odd.npy
cat >pairs.dlg <<'DLG'
input p : f32[4, 2] from "odd.npy"
loss = mean(dense(p, 1) ** 2)
entry train -> loss { minimize loss by sgd(lr = 0.1) }
DLG
expect 4 "\`p\` holds nan in the data, first in row 5" "$DLG" train pairs.dlg --epochs 1
grep -q "to try: data without such rows" err || fail "what to try: $(cat err)"
grep -q "learning rate" err && fail "a learning rate helps nothing here: $(cat err)"
printf 'hello, world: the quick brown fox jumps over it all\n%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 >text.txt
cat >text.dlg <<'DLG'
input s : i32[4, 9] from "text.txt" chars
loss = mean(cross_entropy(dense(embedding(s[:, 0:8], 8, 4), 8), s[:, 1:]))
entry train -> loss { minimize loss by sgd(lr = 0.1) }
DLG
expect 4 "of 27 different characters: with fewer classes, or rows in a table, than 27 " "$DLG" train \
    text.dlg --epochs 1
# Labels that were too many are named: one of them is mostly another, written otherwise.
awk 'BEGIN { for (i = 0; i < 32; i++) print (i == 9 ? "Yes" : i % 2 ? "yes" : "no") "," i / 32 }' >labels.csv
cat >labels.dlg <<'MODEL'
input x : f32[8, 1] from "labels.csv" columns 1
input y : i32[8] from "labels.csv" columns 0
loss = mean(cross_entropy(dense(x, 2), y))
entry train -> loss { minimize loss by sgd() }
MODEL
expect 4 "\`y\` holds 0 to 2 in the data, the labels [\"Yes\",\"no\",\"yes\"]: with fewer classes" "$DLG" train labels.dlg
# Of long ones none is cut.
awk 'BEGIN { for (i = 0; i < 32; i++) printf "äöüäöüäöü%02d,%g\n", i, i / 32 }' >labels.csv
expect 4 ",\"äöüäöüäöü12\",...]: with fewer classes" "$DLG" train labels.dlg
awk 'BEGIN { for (i = 0; i < 32; i++) printf "xäöü%s%d,%g\n", "äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü", i, i / 32 }' >labels.csv
expect 4 "...: with fewer classes" "$DLG" train labels.dlg
iconv -f UTF-8 -t UTF-8 err >/dev/null 2>&1 || fail "a character is cut: $(cat err)"
done_testing
