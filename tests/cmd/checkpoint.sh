#!/bin/sh
# Checkpoints: a run that is resumed ends with the same bits; what is resumed, begun and refused is said.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$DLG_SOURCE_DIR/samples/digits.dlg" "$DLG_SOURCE_DIR/samples/digits.csv" .
train="dlg train digits.dlg --holdout 0.2 --epochs 6 --seed 3 --target cpu"
keep="--checkpoint run.checkpoint --checkpoint-every 5"

expect 0 "weights: whole" $train --save whole
expect 0 "there is no checkpoint run.checkpoint: the run begins anew" $train $keep --resume --steps 50 --save part
expect 0 "run.checkpoint: the run is at its end, after step 50" $train $keep --resume --steps 30
grep -q "^epoch" out && fail "a run that went further has an epoch: $(cat out)"
expect 0 "run.checkpoint: going on after step 50, in epoch 3" $train $keep --resume --save resumed
same whole resumed
expect 0 "run.checkpoint: the run is at its end, after step 132" $train $keep --resume --save again
same whole again
expect 0 "--load whole is for a run that begins: this one goes on with its own weights" $train $keep --resume --load whole
expect 0 "132 steps in" $train --checkpoint-every 30s --checkpoint timed --save kept
same whole kept
same run.checkpoint timed
expect 0 "run.checkpoint is there and will be replaced; --resume goes on from it, if it is of this run" $train $keep --steps 5
expect 0 "on 359 held-out rows" "$DLG" eval digits.dlg --load timed

# A log says whose it is: that of another model or run is not gone on with, and stays as it is.
logged="$train --checkpoint logged --log run.jsonl"
expect 0 "" $logged --steps 30
grep -qE '"rows":[0-9]+\},"model":"digits","run":"[0-9a-f]{16}"\}$' run.jsonl || fail "whose log: $(head -n 1 run.jsonl)"
cp run.jsonl log.before
cp logged logged.before
for command in "--log run.jsonl" "--checkpoint logged --log other.jsonl"; do
    case $command in
    *other*) sed 's/"model":"digits"/"model":"other"/; s/"run":"./"run":"x/' log.before >other.jsonl; why='--log other.jsonl: it is of the model `other`, and not of the run of `digits`' ;;
    *) sed 's/"run":"./"run":"x/' log.before >run.jsonl; why="--log run.jsonl: it is of another run" ;;
    esac
    cp "${command##* }" whose
    expect 1 "$why" $train --checkpoint logged --resume $command --save not_written
    same "${command##* }" whose
    same logged logged.before
    [ -e not_written ] && fail "a run that was refused saved"
done
sed 's/,"model":.*/}/' log.before >run.jsonl # of an older version: it does not say
expect 0 "going on after step 30" $logged --resume --steps 40
cp log.before run.jsonl
expect 0 "going on after step 40" $logged --resume --steps 50

# Compiled elsewhere, from another directory, for the same target: the same program.
mkdir there
expect 0 "" "$DLGC" digits.dlg -o there/digits.cl
(cd there && cp ../digits.csv . && dlg train digits.cl --holdout 0.2 --epochs 6 --seed 3 --resume \
    --checkpoint ../run.checkpoint --save ../there.safetensors >out 2>err) || fail "elsewhere: $(cat there/err)"
same whole there.safetensors

# With other tiles, in pairs, with a budget: other kernels of the same program. Another learning rate is another one.
expect 0 "" $train $keep --steps 50
cp run.checkpoint half
{
    printf '{"dlg_tiles": 1, "devices": {"%s": {"cpu 1x1 by 1": "1x16"' "$(device_key)"
    for product in "8x128 by 64" "8x10 by 128" "64x128 by 64" "64x10 by 128" "64x128 by 10" "128x10 by 64"; do
        for where in "" " in a chain" " in a chain down" " down"; do printf ', "cpu %s%s": "4x64"' "$product" "$where"; done
    done
    echo '}}}'
} >tiles.json
pair=
on_processor && pair=--pair
for other in "" $pair "--mem-budget 1G"; do
    cp half run.checkpoint
    expect 0 "going on after step 50" $train $keep --resume $other --save resumed
    same whole resumed
done
rm tiles.json
sed 's/lr = 1e-3/lr = 2e-3/' digits.dlg >rate.dlg
cmp -s digits.dlg rate.dlg && fail "the rate is the same"
cp half run.checkpoint
other="another run: the program is another one:"
line=$(sed -n '/lr = 1e-3/=' digits.dlg)
expect 1 "$other a number in line $line of rate.dlg is 0.001 there and 0.002 here" dlg train rate.dlg --holdout 0.2 \
    --epochs 6 --seed 3 --target cpu $keep --resume
sed 's/relu/tanh/' digits.dlg >tanh.dlg
cp half run.checkpoint
expect 1 "$other its params, its states, its constants, its target and the data are the same, but what it computes is not: " \
    dlg train tanh.dlg --holdout 0.2 --epochs 6 --seed 3 --target cpu $keep --resume
grep -q "was changed in the text of the model or of what it includes, or it was compiled otherwise (another version of dlgc)" err ||
    fail "what may be another: $(cat err)"
cp half run.checkpoint
expect 0 "" "$DLGC" digits.dlg -O1 -o other.cl
expect 1 "$other the level of optimization (-O) is 2 there and 1 here" dlg train other.cl --holdout 0.2 --epochs 6 --seed 3 \
    $keep --resume
units="dlg train digits.dlg --target gpu_mma --checkpoint units.checkpoint"
expect 0 "" $units --steps 2
expect 1 "$other the precision is 3xtf32 there and tf32 here" $units --steps 4 --resume --precision tf32

# What was changed is told where the checkpoint knows it.
sed 's/^const batch/const rate = 1e-3, batch/; s/lr = 1e-3/lr = rate/' digits.dlg >rate.dlg
train_rate="dlg train rate.dlg --seed 3 --checkpoint rate.checkpoint"
expect 0 "" $train_rate --steps 3
expect 1 "the program is another one: the constant \`rate\` is 0.001 there and 0.002 here" $train_rate --steps 6 --resume -D rate=0.002
expect 0 "going on after step 3" $train_rate --steps 4 --resume -D rate=0.001
sed 's/128/96/' rate.dlg >narrow.dlg
expect 1 "\`h.w\` is F32 64x128 in the file but F32 64x96 in the program" dlg train narrow.dlg --checkpoint rate.checkpoint --resume
grep -q -- "  a run goes on with the model, .* to begin another one with its weights, .*: --load rate.checkpoint" err || fail "what to do: $(cat err)"
expect 0 "" dlg train narrow.dlg --load rate.checkpoint --partial --steps 2 --checkpoint narrow.checkpoint

# Another run.
expect 0 "" $train $keep
cp run.checkpoint before
expect 1 "another run: the seed is 3 there and 4 here" $train $keep --resume --seed 4
expect 1 "another run: the batch is 64 there and 32 here" $train $keep --resume -D batch=32
expect 1 "another run: the number of rows held out is 359 there and 180 here" $train $keep --resume --holdout 0.1
expect 1 "another run: the program is another one: the target is cpu there and gpu here" $train $keep --resume --target gpu
grep -q -- "--load run.checkpoint (with --partial where shapes are not the same), and another --checkpoint" err || fail "what to do: $(cat err)"
sed '9s/^1,/2,/; 9s/^0,/1,/' digits.csv >other.csv
cmp -s digits.csv other.csv && fail "the data is the same"
expect 1 "another run: the hash of the data of \`x\`" $train $keep --resume --data x=other.csv:0:64
expect 1 "other.csv is there and is not a checkpoint" $train --checkpoint other.csv --resume
expect 1 "is a weights file, not a checkpoint" $train --resume --checkpoint whole
: >nothing.checkpoint
expect 1 "to begin anew in this file: without --resume" $train --resume --checkpoint nothing.checkpoint
grep -q -- "--load" err && fail "what is no checkpoint is to be loaded: $(cat err)"
same run.checkpoint before

# What is asked for wrongly.
expect 2 "--resume is of a --checkpoint, which is not named" $train --resume
expect 2 "--checkpoint-every is of a --checkpoint" $train --checkpoint-every 5
for every in 0 5d m -1 1.5s ""; do
    expect 2 "--checkpoint-every takes a number of steps, or as 30s, 5m or 2h" $train --checkpoint c --checkpoint-every "$every"
done
expect 1 "cannot write no/such/c: No such file" $train --checkpoint no/such/c
expect 1 "--save and --checkpoint are one file" $train --checkpoint c --save c
expect 1 "--checkpoint digits.dlg: that is the model" $train --checkpoint digits.dlg
expect 1 "--checkpoint whole: that is what --load reads" $train --load whole --checkpoint whole
done_testing
