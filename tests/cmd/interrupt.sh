#!/bin/sh
# Ctrl-C and SIGTERM end training after a step, save the weights and the checkpoint, and say so and how
# to go on; resumed, the run ends with the bits of one that was not interrupted.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
stop_by() { # stop_by SIGNAL STATUS
    rm -f log.jsonl w.safetensors
    "$DLG" train "$data/line.cl" --set rate=0.3 --epochs 100000000 --save w.safetensors --log log.jsonl >out 2>err &
    child=$!
    tries=0
    while [ ! -s log.jsonl ] && [ "$tries" -lt 600 ]; do # until it trains
        sleep 0.1
        tries=$((tries + 1))
    done
    # Its log is no one else's.
    "$DLG" train "$data/line.cl" --set rate=0.3 --epochs 1 --log log.jsonl >second 2>&1
    [ $? -eq 1 ] && grep -q "log.jsonl: another run is writing it" second ||
        fail "two runs write one log: $(cat second)"
    [ -s log.jsonl ] || fail "the log was emptied"
    kill -"$1" "$child"
    sleep 0.02 # and again, as `timeout` does, which means the same
    kill -"$1" "$child" 2>/dev/null
    wait "$child"
    status=$?
    [ "$status" -eq "$2" ] || fail "SIG$1: status $status, not $2: $(cat err)"
    grep -q "dlg: interrupted: stopped after" err || fail "it does not say so: $(cat err)"
    steps=$(sed -n 's/^dlg: interrupted: stopped after \([0-9]*\) of.*/\1/p' err)
    grep -q "^$steps steps in" out || fail "it says two numbers of steps: $(cat out err)"
    grep -q "weights: w.safetensors" out || fail "it does not say that it saved: $(cat out)"
    grep -q "to go on from the weights, with the optimizer's state anew: --load w.safetensors" out ||
        fail "it does not say how to go on: $(cat out)"
    expect 0 "on 11 rows" "$DLG" eval "$data/line.cl" --load w.safetensors
}
stop_by INT 130
stop_by TERM 143
stop_by HUP 129
stop_by PIPE 141

# A checkpoint after every step makes the run slow enough to be interrupted.
train="dlg train $data/line.cl --set rate=0.3 --epochs 1500 --holdout 0.2"
expect 0 "weights: whole" $train --save whole
interrupt() { # interrupt SIGNAL STATUS HOW OPTIONS...
    signal=$1
    want=$2
    how=$3
    shift 3
    before=$(ls -i run.checkpoint 2>/dev/null)
    $train --checkpoint run.checkpoint --checkpoint-every 1 --save end "$@" >out 2>err &
    child=$!
    while [ "$(ls -i run.checkpoint 2>/dev/null)" = "$before" ] && kill -0 $child 2>/dev/null; do sleep 0.01; done
    kill -"$signal" $child
    sleep 0.02
    kill -"$signal" $child 2>/dev/null
    wait $child
    status=$?
    [ "$status" -eq "$want" ] || fail "SIG$signal: status $status, not $want: $(cat out err)"
    grep -q "dlg: interrupted: stopped after [0-9]* of 3000 steps" err || fail "it does not say so: $(cat err)"
    grep -q "checkpoint: run.checkpoint; to go on: $how" out || fail "it does not say how to go on: $(cat out)"
}
interrupt INT 130 "the same command with --resume"
interrupt TERM 143 "the same command again" --resume
steps=$(sed -n 's/^dlg: interrupted: stopped after \([0-9]*\) of.*/\1/p' err)
expect 0 "run.checkpoint: going on after step $steps" $train --checkpoint run.checkpoint --resume --save end
same whole end
done_testing
