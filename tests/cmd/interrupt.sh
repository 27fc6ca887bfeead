#!/bin/sh
# Ctrl-C and SIGTERM end training after a step, save the weights and say so.
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
    kill -"$1" "$child"
    wait "$child"
    status=$?
    [ "$status" -eq "$2" ] || fail "SIG$1: status $status, not $2: $(cat err)"
    grep -q "dlg: interrupted: stopped after" err || fail "it does not say so: $(cat err)"
    grep -q "weights: w.safetensors" out || fail "it does not say that it saved: $(cat out)"
    expect 0 "on 11 rows" "$DLG" eval "$data/line.cl" --load w.safetensors
}
stop_by INT 130
stop_by TERM 143
done_testing
