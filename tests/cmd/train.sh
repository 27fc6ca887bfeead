#!/bin/sh
# Training, evaluation and running of a program written by hand, with data of a table beside it.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
line=line.cl
cp "$data/line.cl" "$data/line.csv" .
train="dlg train $line --set rate=0.3 --holdout 0.2"

# The same seed gives the same file, another seed another.
expect 0 "weights: a.safetensors" $train --epochs 40 --seed 1 --save a.safetensors
expect 0 "weights: b.safetensors" $train --epochs 40 --seed 1 --save b.safetensors
same a.safetensors b.safetensors
expect 0 "2 held out" $train --epochs 40 --seed 2 --save c.safetensors
cmp -s a.safetensors c.safetensors && fail "the seed does not matter"

# eval repeats the hold-out of the weights.
$train --epochs 40 --seed 1 | sed -n 's/^epoch 40.*held out: //p' | sed 's/  .*//' >trained
expect 0 "on 2 held-out rows" "$DLG" eval "$line" --load a.safetensors
sed 's/^evaluate: //; s/ on 2 held-out rows$//' out >evaluated
same trained evaluated
expect 0 "on 11 rows" "$DLG" eval "$line" --load a.safetensors --all
expect 0 '"rows": 2, "held_out": true' "$DLG" eval "$line" --load a.safetensors --json
sed 1d "$data/line.csv" | head -n 5 >five.csv
expect 0 "5 rows: all, for the data is not that of the training run" "$DLG" eval "$line" --load a.safetensors \
    --data x=five.csv:0:2 --data t=five.csv --data y=five.csv --data id=five.csv --data even=five.csv
expect 1 "the same number" "$DLG" eval "$line" --load a.safetensors --data y=five.csv
expect 0 "on 11 rows: all, for none was held out" sh -c \
    "dlg train $line --set rate=0.3 --quiet --save all.safetensors && dlg eval $line --load all.safetensors"

# Going on from weights keeps the rows that they have not seen apart.
expect 0 "9 to train on, 2 held out" "$DLG" train "$line" --set rate=0.3 --load a.safetensors --epochs 1 \
    --save d.safetensors
expect 0 "on 2 held-out rows" "$DLG" eval "$line" --load d.safetensors

# What is shown: about twenty lines, nothing when quiet, a log of JSON lines.
$train --epochs 1000 >lines || fail "training"
count=$(grep -c '^epoch' lines)
{ [ "$count" -ge 15 ] && [ "$count" -le 24 ]; } || fail "$count lines for 1000 epochs"
grep -q '^epoch 1000/1000' lines || fail "the last epoch is not shown"
expect 0 "" $train --epochs 3 --quiet --log log.jsonl
[ -s out ] && fail "--quiet prints"
[ "$(grep -c '^{"epoch":[123],"step":[0-9]*,.*"train":{"loss":.*"evaluate":{.*"rows":2},"model":"line","run":"[0-9a-f]*"}$' log.jsonl)" -eq 3 ] ||
    fail "the log: $(cat log.jsonl)"
cp log.jsonl before.jsonl # which a run that does not begin leaves
expect 1 "choose a smaller batch" $train --epochs 3 --quiet --holdout 0.75 --log log.jsonl
same log.jsonl before.jsonl
expect 0 "7 steps in" $train --steps 7
expect 0 "epoch 10/10" $train

# Running: rows with truth, arrays to files, tensors from files.
expect 0 "row 10:  p 1" "$DLG" run "$line" --set b=1 --rows 10
grep -q "^dlg: note: without --load the params (\`w\`, ...) have the values that training begins with" err ||
    fail "nothing is said of params without weights: $(cat err)"
for given in "--load a.safetensors" "--set b=1 --set w=w0.csv" --quiet; do
    echo 1,2 >w0.csv
    # shellcheck disable=SC2086 # words
    expect 0 "row 10:" "$DLG" run "$line" $given --rows 10
    [ -s err ] && fail "$given: says $(cat err)"
done
expect 1 "are 11 rows, 0 to 10" "$DLG" run "$line" --rows 10:12
expect 0 "; y " "$DLG" run "$line" --load a.safetensors --rows 0:11 --with y
[ "$(wc -l <out)" -eq 11 ] || fail "not one line a row"
expect 0 "" "$DLG" run "$line" --load a.safetensors --rows 0:11 --get p=p.npy --get w=w.npy
[ "$(od -An -c -j 10 -N 58 p.npy | tr -d ' \n')" = "{'descr':'<f4','fortran_order':False,'shape':(11,),}" ] ||
    fail "p.npy: $(od -An -c -N 80 p.npy)"
expect 0 "" "$DLG" run "$line" --set w=w.npy --set b=0 --rows 0:4 --get w=w2.npy
same w.npy w2.npy
printf '1,2\n3,4\n5,6\n7,8\n' >x.csv
expect 0 "p 0 0 0 0" "$DLG" run "$line" --set x=x.csv --entry predict
expect 1 "x.csv: has 4 rows of 2 numbers; \`w\` takes 2 in all" "$DLG" run "$line" --set w=x.csv
expect 1 "reads \`x\`, which has no data: give samples with --data x=SOURCE --rows 0:8" "$DLG" run "$data/xor.cl"
expect 1 "whose samples are in line.csv: say which rows, such as --rows 0:8" "$DLG" run "$line"
expect 1 "reads \`rate\`, which has no value: give it with --set rate=NUMBER" "$DLG" train "$line"
expect 1 "only .npy files are written" "$DLG" run "$line" --rows 0 --get p=p.csv
expect 1 "no/such" "$DLG" run "$line" --rows 0 --get p=no/such/p.npy
head -n 4 "$data/line.csv" >few.csv
expect 1 "there are 3 rows to train on, and entry \`train\` takes 4 at a time" "$DLG" train "$line" --set rate=1 \
    --data x=few.csv --data t=few.csv --data y=few.csv --data id=few.csv --data even=few.csv

# Without data: whole tensors, steps, no epochs.
xor=$data/xor.cl
printf '0\n1\n1\n0\n' >y.csv
printf '0,0\n0,1\n1,0\n1,1\n' >x.csv
expect 1 "so that there are no epochs: give --steps N" "$DLG" train "$xor" --set x=x.csv --set y=y.csv
expect 0 "500 steps in" "$DLG" train "$xor" --set x=x.csv --set y=y.csv --steps 500 --save xor.safetensors
grep -q "samples/s" out && fail "samples without data: $(cat out)"
expect 0 "1 step in" "$DLG" train "$xor" --set x=x.csv --set y=y.csv --steps 1
grep -q "/s" out && fail "a rate of one step: $(cat out)"
expect 0 "  1: 1" "$DLG" run "$xor" --set x=x.csv --load xor.safetensors --entry predict
expect 1 "there is no data to hold out from" "$DLG" train "$xor" --set x=x.csv --set y=y.csv --holdout 0.5

# What cannot train or evaluate is told before training; numbers and lines are as people write them.
echo 'entry train -> y = iota(4)' >still.dlg
expect 1 "entry \`train\` updates nothing, so that it cannot train; one that does ends in \`{ minimize loss by adam() }\`" "$DLG" train still.dlg
expect 1 "entry \`predict\` updates nothing, so that it cannot train; these do: train" "$DLG" train "$line" \
    --entry predict --set rate=1
expect 1 "--evaluate predict: the entry returns no scalars to show" $train --evaluate predict
expect 1 "--evaluate train: the entry updates what it should evaluate" $train --evaluate train
expect 0 "a.safetensors; the step and the optimizer's state begin anew" $train --load a.safetensors --epochs 1
expect 0 "1 step in" $train --steps 1
expect 0 "leaves out 1 other" $train --epochs 1
grep -q "1 others" out && fail "1 others"
expect 0 "loss" "$DLG" run "$line" --entry train --set rate=0 --rows 0:4
grep -q "^row" out && fail "rows without results: $(cat out)"
printf '1234567,2\n-3,4\n1234567,2\n-3,4\n' >big.csv
expect 0 "x 1234567 2" "$DLG" run "$line" --rows 0:2 --with x --data x=big.csv
expect 0 "p nan" "$DLG" run "$line" --set b=-nan --rows 0
grep -q -- "-nan" out && fail "-nan"
expect 1 "is missing: there is no line.csv; --data NAME=SOURCE gives other data" sh -c \
    "mkdir bare && cp line.cl bare && cd bare && dlg train line.cl --set rate=1"
echo "Where it comes from" >bare/DATA.md
expect 1 "gives other data, and bare/DATA.md says where this comes from" "$DLG" train bare/line.cl --data y=none.csv:0
expect 1 "line.csv: this is no safetensors file" "$DLG" eval "$line" --load line.csv
tr '\n' '\r' <line.csv >cr.csv
expect 1 "cr.csv: its lines end in CR alone" $train --data y=cr.csv:0
printf '\377\3761\0,\0002\0' >wide.csv
expect 1 "wide.csv: the text is UTF-16" $train --data y=wide.csv:0
# What is drawn depends on the seed of the run, not on that of the training.
cat >drawn.dlg <<'MODEL'
param w : f32 = 0
z = w + random_uniform(4)
entry predict -> z
entry train -> loss = square(w - 1) { minimize square(w - 1) by sgd(lr = 0.1) }
MODEL
expect 0 "" "$DLG" train drawn.dlg --steps 5 --seed 1 --save drawn.w
for seed in 2 2 3; do
    expect 0 "z " "$DLG" run drawn.dlg --load drawn.w --seed $seed
    cat out >>draws
done
[ "$(sort -u draws | wc -l)" -eq 2 ] || fail "seeds 2, 2 and 3 draw $(cat draws)"
done_testing
