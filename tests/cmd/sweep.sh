#!/bin/sh
# dlg sweep: each combination of values is the run that dlg train makes of it; the best is told.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
awk 'BEGIN { for (i = 0; i < 50; i++) print i / 50 "," 3 * i / 50 + 1 }' >line.csv
cat >model.dlg <<'MODEL'
const batch = 10, rate = 0.001, scale = 1
input x : f32[batch] from "line.csv" columns 0
input y : f32[batch] from "line.csv" columns 1
param w : f32[2] = 0
loss   = mean((w[0] * x * scale + w[1] - y) ** 2)
acc    = mean(cast(abs(w[0] * x * scale + w[1] - y) < 1, f32))
entry evaluate -> loss, acc
entry train    -> loss { minimize loss by sgd(lr = rate) }
MODEL
expect 0 "best: -D rate=0.3 -D scale=2 with loss" "$DLG" sweep model.dlg -D rate=1e-6,0.3 -D scale=1,2 --epochs 3 --holdout 0.2
grep -q "on the rows held out" out || fail "of which rows: $(cat out)"
[ "$(awk 'NF > 5 && $1 ~ /^[0-9]/ { print $1, $2 }' out | tr '\n' ' ')" = "1e-6 1 1e-6 2 0.3 1 0.3 2 " ] || fail "rows: $(cat out)"
awk '$1 == "0.3" && $2 == 2 { print $4, $5 }' out >swept
expect 0 "" "$DLG" train model.dlg -D rate=0.3 -D scale=2 --epochs 3 --holdout 0.2
sed -n 's/^epoch 3.*held out: loss \([^,]*\), acc \([^ ]*\).*/\1 \2/p' out >trained
same swept trained

# The metric decides; with --patience a row is of the best epoch.
expect 0 "with acc" "$DLG" sweep model.dlg -D rate=1e-6,0.3 --epochs 2 --holdout 0.2 --metric acc:max
expect 0 "with loss" "$DLG" sweep model.dlg -D rate=1e-6,0.3 --epochs 30 --holdout 0.2 --patience 1
expect 1 "--metric size: entry \`evaluate\` returns no such scalar; it returns \`loss\`, \`acc\`" "$DLG" sweep model.dlg -D rate=1e-6,0.3 --steps 2 --holdout 0.2 --metric size
[ -s out ] && fail "a run before the metric was looked for: $(cat out)"
expect 1 "--metric acc: entry \`train\` returns no such scalar; it returns \`loss\`" "$DLG" sweep model.dlg -D rate=1e-6,0.3 --steps 2 --metric acc
expect 0 "" "$DLG" sweep model.dlg -D rate=0.1 --steps 2
grep -q best out && fail "of one run there is no best"

# A run that diverges is a row.
expect 0 "best: -D rate=0.3 with loss" "$DLG" sweep model.dlg -D rate=1e30,0.3 --epochs 2
grep -q "^1e30 *diverged" out || fail "the run that diverged: $(cat out)"
# Where it did, not how far it was enqueued by then.
expect 4 "diverged" "$DLG" sweep model.dlg -D rate=1e30 --epochs 40
sed 's/.*diverged/diverged/' out >first
for again in 1 2 3; do
    expect 4 "diverged" "$DLG" sweep model.dlg -D rate=1e30 --epochs 40
    sed 's/.*diverged/diverged/' out >other
    same first other
done
expect 4 "diverged" "$DLG" sweep model.dlg -D rate=1e30 --epochs 2

expect 0 '{"define":{"rate":"1e-6"},"diverged":false,' "$DLG" sweep model.dlg -D rate=1e-6,0.3 --epochs 1 --json --holdout 0.2
[ "$(grep -c '"evaluate":{"loss":' out)" -eq 2 ] || fail "a line a run: $(cat out)"
expect 2 "-D takes NAME=A,B,... of numbers (or true and false): \`\` in \`rate=0.1,\` is none" "$DLG" sweep model.dlg -D rate=0.1,
expect 2 "\`x\` in \`rate=0.1,x,2\` is none" "$DLG" sweep model.dlg -D rate=0.1,x,2
expect 2 "-D takes NAME=A,B,... of numbers (or true and false), not \`rate\`" "$DLG" sweep model.dlg -D rate
expect 2 "-D rate stands there twice" "$DLG" sweep model.dlg -D rate=1 -D rate=2
expect 1 "E0" "$DLG" sweep model.dlg -D batch=10,-1 --steps 1
grep -q "^best so far: -D batch=10 with loss" out || fail "the sweep that ended early: $(cat out)"
many=1$(awk 'BEGIN { while (i++ < 200) printf ",1" }')
expect 2 "more than 10000 runs" "$DLG" sweep model.dlg -D "rate=$many" -D "scale=$many"
done_testing
