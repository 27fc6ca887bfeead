#!/bin/sh
# Ctrl-C ends training after a step, saves the weights and says so.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
"$DLG" train "$data/line.cl" --set rate=0.3 --epochs 100000000 --save w.safetensors --log log.jsonl >out 2>err &
child=$!
tries=0
while [ ! -s log.jsonl ] && [ "$tries" -lt 600 ]; do # until it trains
    sleep 0.1
    tries=$((tries + 1))
done
kill -INT "$child"
wait "$child"
status=$?
[ "$status" -eq 130 ] || fail "status $status, not 130: $(cat err)"
grep -q "dlg: interrupted: stopped after" err || fail "it does not say so: $(cat err)"
grep -q "weights: w.safetensors" out || fail "it does not say that it saved: $(cat out)"
expect 0 "on 11 rows" "$DLG" eval "$data/line.cl" --load w.safetensors
done_testing
