#!/bin/sh
# Rows held out that are data of their own, and folds.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
samples=$DLG_SOURCE_DIR/samples
cp "$samples"/digits.csv .
cat >digits.dlg <<'MODEL'
const batch = 32
input x : f32[batch, 64] from "digits.csv" columns 0:64
input y : u8[batch]      from "digits.csv" columns 64
logits = dense(x / 16, 10)
loss   = mean(cross_entropy(logits, y))
acc    = accuracy(logits, y)
entry predict  -> probs = softmax(logits)
entry evaluate -> loss, acc
entry train    -> loss { minimize loss by adam(lr = 1e-2) }
MODEL
head -n 1200 digits.csv >training.csv
tail -n 597 digits.csv >testing.csv
training="--data x=training.csv:0:64 --data y=training.csv:64"
testing="--holdout-data x=testing.csv:0:64 --holdout-data y=testing.csv:64"

# The held-out file is evaluated after each epoch, and again by eval and run, which need no other.
expect 0 "1200 to train on, 597 held out (testing.csv: 597 rows)" \
    "$DLG" train digits.dlg $training $testing --epochs 2 --save apart.w
last=$(grep 'epoch 2/2' out | sed 's/.*held out: \(.*\)  .*/\1/')
expect 0 "" "$DLG" train digits.dlg $training --epochs 2 --save alone.w
expect 0 "evaluate: $last on 597 held-out rows" "$DLG" eval digits.dlg --load apart.w
expect 0 "on 597 held-out rows" "$DLG" eval digits.dlg --load apart.w --data x=testing.csv:0:64 --data y=testing.csv:64
expect 0 "on 1200 rows: all, for the data is not that" "$DLG" eval digits.dlg --load apart.w $training
expect 0 "on 1797 rows" "$DLG" eval digits.dlg --load apart.w --all
expect 0 "row 0:" "$DLG" run digits.dlg --load apart.w --rows 0:2 --held-out --with y
grep -q "y $(head -n 1 testing.csv | sed 's/.*,//')\$" out || fail "run --held-out shows other rows: $(cat out)"
# It does not change what is trained; both sides may be read from files; training on from the weights holds it out again.
cut_header() { tail -c 2600 "$1"; }
cut_header apart.w >apart.tail
cut_header alone.w >alone.tail
same apart.tail alone.tail
expect 0 "are read from the files" \
    "$DLG" train digits.dlg $training $testing --epochs 2 --save files.w --data-memory 1K
same apart.w files.w
expect 0 "597 held out (testing.csv: 597 rows)" "$DLG" train digits.dlg $training --load apart.w --epochs 1
# A run is resumed with the same held-out data alone.
expect 0 "" "$DLG" train digits.dlg $training $testing --epochs 2 --steps 40 --checkpoint run.ckpt
expect 1 "another run" "$DLG" train digits.dlg $training --epochs 2 --checkpoint run.ckpt --resume
expect 0 "going on after step 40" "$DLG" train digits.dlg $training $testing --epochs 2 --checkpoint run.ckpt --resume \
    --save resumed.w
same apart.w resumed.w
expect 1 "of the data to hold out \`y\` is missing" "$DLG" train digits.dlg --holdout-data x=testing.csv:0:64
expect 1 "given for \`z\`, which the data to train on does not have" "$DLG" train digits.dlg --holdout-data z=testing.csv
expect 1 "cannot open gone.csv" "$DLG" train digits.dlg --holdout-data x=gone.csv:0:64 --holdout-data y=testing.csv:64
expect 1 "data of this run: it is not overwritten" "$DLG" train digits.dlg $testing --save testing.csv
expect 2 "one of --holdout, --holdout-data and --folds" "$DLG" train digits.dlg $testing --holdout 0.1
mv testing.csv moved.csv
expect 1 "cannot open testing.csv: No such file or directory; --data NAME=SOURCE gives other data" \
    "$DLG" eval digits.dlg --load apart.w
expect 0 "on 597 held-out rows" "$DLG" eval digits.dlg --load apart.w --data x=moved.csv:0:64 --data y=moved.csv:64
# What the weights name must be a file.
mkfifo testing.csv
expect 1 "is no regular file" "$DLG" eval digits.dlg --load apart.w
rm testing.csv
mv moved.csv testing.csv
# Labels are those of the data to train on.
awk -F, '{ printf "d%s,", $65; print }' training.csv >names.csv
{ tail -n 596 testing.csv | awk -F, '{ printf "d%s,", $65; print }' && sed -n '1s/^/e,/p' testing.csv; } >other.csv
expect 1 "other.csv:597: column 1: \`e\` is not among the labels of the data to train on" \
    "$DLG" train digits.dlg --data x=names.csv:1:65 --data y=names.csv:0 \
    --holdout-data x=other.csv:1:65 --holdout-data y=other.csv:0

# Folds: each is what eval finds, every row is held out once, and the table says so.
expect 0 "" "$DLG" train digits.dlg --epochs 2 --seed 5 --folds 4 --save w.safetensors --log log.jsonl
[ "$(grep -c '^fold [1-4] of 4' out)" = 4 ] || fail "there are not four folds: $(cat out)"
sed -n '/^fold  /,$p' out >table
[ "$(awk '/^[1-4] / { n += $2 } END { print n }' table)" = 1797 ] || fail "the folds are no partition: $(cat table)"
awk '/^[1-4] / { s += $3; q += $3 * $3; n++ } /^mean/ { m = $2 } /^spread/ { d = $2 }
    END { a = s / n; v = sqrt((q - n * a * a) / (n - 1));
          exit !(m - a < 1e-3 && a - m < 1e-3 && d - v < 1e-3 && v - d < 1e-3) }' table ||
    fail "the mean and the spread are not of the folds: $(cat table)"
for fold in 1 2 3 4; do
    expect 0 "" "$DLG" eval digits.dlg --load w.fold$fold.safetensors
    loss=$(awk -v f=$fold '$1 == f { print $3 }' table)
    grep -q "^evaluate: loss $loss, .* held-out rows" out || fail "fold $fold: $(cat out table)"
    [ -s log.fold$fold.jsonl ] || fail "there is no log of fold $fold"
done
cp w.fold3.safetensors before.w
# Again with the data in files; and after an interruption by what is there already.
expect 0 "" "$DLG" train digits.dlg --epochs 2 --seed 5 --folds 4 --save w.safetensors --quiet --data-memory 1K \
    --checkpoint c
same w.fold3.safetensors before.w
rm c.fold3 c.fold4
expect 0 "c.fold2: the run is at its end" \
    "$DLG" train digits.dlg --epochs 2 --seed 5 --folds 4 --save again --checkpoint c --resume
same again.fold3 before.w
expect 1 "c.fold1: this is the checkpoint of another run: the number of rows held out is 449 there and 599 here" \
    "$DLG" train digits.dlg --epochs 2 --seed 5 --folds 3 --checkpoint c --resume
echo "something else" >w.fold2.safetensors
expect 1 "w.fold2.safetensors is there and is not a weights file" \
    "$DLG" train digits.dlg --epochs 2 --folds 2 --save w.safetensors
expect 1 "there are 1797 rows" "$DLG" train digits.dlg --folds 2000
expect 2 "at least 2" "$DLG" train digits.dlg --folds 1
expect 2 "at most 10000" "$DLG" train digits.dlg --folds 99999999999999999 --save w
# A label that is out of range among the rows held out: the evaluation tells nothing, and that is no success.
sed '5s/,[0-9]*$/,77/' testing.csv >off.csv
off="--holdout-data x=off.csv:0:64 --holdout-data y=off.csv:64"
expect 4 "\`loss\` of the rows held out is not a number; a label out of range" \
    "$DLG" train digits.dlg $training $off --epochs 2 --save off.w
[ -f off.w ] || fail "the weights are not saved"
expect 4 "so that no epoch was better than those before" "$DLG" train digits.dlg $training $off --epochs 9 --patience 2
expect 0 "" "$DLG" train digits.dlg $training $off --epochs 1 --ignore-nan
expect 4 "" "$DLG" sweep digits.dlg $training $off --epochs 1 -D batch=16,32

# Weights keep where data held out came from, as text.
odd=$(printf 'h\377.csv')
head -n 100 "$DLG_SOURCE_DIR/samples/digits.csv" >"$odd"
expect 1 ".csv:0:64: weights keep the names of data held out, which must be UTF-8: give the file another" "$DLG" train "$DLG_SOURCE_DIR/samples/digits.dlg" \
    --holdout-data "x=$odd:0:64" --holdout-data "y=$odd:64" --steps 1
done_testing
