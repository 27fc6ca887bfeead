#!/bin/sh
# --check-nan: the first value that is not a number, with its kernel, lines and place; nothing where there is none.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cat >logs.dlg <<'MODEL'
const batch = 4
input x : f32[batch, 3]
h = log(x)
p = softmax(h)
s = p * h
entry predict -> s, q = sum(s)
MODEL
printf '1,2,3\n1,0,3\n1,2,3\n1,2,3\n' >x.csv
expect 4 "s[1, 1] is nan after kernel k" "$DLG" run logs.dlg --set x=x.csv --check-nan
grep -q "in entry \`predict\`, from logs.dlg:" err || fail "the line: $(cat err)"
grep -q "^ *5  s = p \* h$" err || fail "the source: $(cat err)"

# Kernels of one operation each name its line, and what was infinite before.
expect 0 "" "$DLGC" -O0 logs.dlg -o plain.cl
expect 4 "s[1, 1] is nan after kernel" "$DLG" run plain.cl --set x=x.csv --check-nan
grep -q "from logs.dlg:5$" err || fail "the line of one operation: $(cat err)"
grep -q "before it h\[1, 1\] is infinite after kernel .* from logs.dlg:3$" err || fail "what was before: $(cat err)"

# Without a NaN what was infinite is told, on inputs too; a NaN in an input or a param is where it begins.
sed 's/^s = p \* h$/s = p/' logs.dlg >fine.dlg
expect 0 "no NaN was found" "$DLG" run fine.dlg --set x=x.csv --check-nan
expect 0 "" "$DLGC" -O0 fine.dlg -o fine.cl
expect 0 "no NaN was found; what was infinite first: h[1, 1] is infinite after kernel" \
    "$DLG" run fine.cl --set x=x.csv --check-nan
cp "$data/line.cl" "$data/line.csv" .
expect 4 "b is nan before entry \`predict@1\`: no kernel was launched yet" \
    "$DLG" run line.cl --rows 0 --check-nan --set b=nan

# Training: the step; the weights that were good are kept as without it. A text written by hand has no lines.
expect 4 "w[0] is nan after kernel learn, launch 2 of 2 in step 18 of entry \`train\`" \
    "$DLG" train line.cl --set rate=100 --epochs 30000 --quiet --check-nan --save w
grep -q "before it loss is infinite after kernel judge, launch 1 of 2 in step 10" err || fail "before: $(cat err)"
grep -q -- "--check-nan says" err && fail "told to do what was done: $(cat err)"
expect 4 "--check-nan says where it begins" "$DLG" train line.cl --set rate=100 --epochs 30000 --quiet

# An evaluation that gives NaN shows it, and fails; what is infinite alone does not.
cat >mean.dlg <<'MODEL'
const batch = 2, far = 0
input x : f32[batch] from "x.csv" columns 0
param w : f32[1] = 1
entry evaluate -> loss = mean(log(far - x) * w), size = mean(log(x - x) * w)
entry train -> loss = mean(x * w) { minimize mean(x * w) by sgd(lr = 0.1) }
MODEL
expect 0 "" "$DLG" train mean.dlg --epochs 1 --quiet --save mean.w
expect 4 "dlg: \`loss\` is not a number; --check-nan says where it begins" "$DLG" eval mean.dlg --load mean.w
grep -q "loss nan, size -inf" out || fail "the means: $(cat out)"
expect 4 '"metrics": {"loss": null' "$DLG" eval mean.dlg --load mean.w --json
expect 0 "size -inf" "$DLG" eval mean.dlg -D far=9 --load mean.w

# It changes nothing, and finds nothing in loops, memory that is used again, whole numbers and half precision.
cat >mixed.dlg <<'MODEL'
const batch = 8
input x : f32[batch, 2] from "line.csv" columns 0:2
param w : f16[2, 6] ~ uniform(-1, 1)
n = bit_or(cast(x[:, 0:1] > 0, i32), -1)              # the bits of a NaN, were it a float
h, hs = scan t in 0..3 with h = zeros(batch, 6) {
    h = tanh(h + x @ cast(w, f32) - cast(n, f32) / 2)
    yield h
}
loss = mean(hs * hs) + sum(cast(sort_of(n), f32)) * 0
fn sort_of(v) { return reshape(v, batch) % 7 }
entry train -> loss { minimize loss by adam(lr = 0.05) }
MODEL
for option in --check-nan ""; do
    # shellcheck disable=SC2086 # perhaps no word
    expect 0 "" "$DLG" train mixed.dlg --epochs 20 --save "w$option" $option
done
same w--check-nan w
expect 0 "no NaN was found" "$DLG" train mixed.dlg --epochs 20 --check-nan
sed 's/tanh(h + x/tanh(log(2 - cast(t, f32) * h[0, 0] * 1e30) + x/' mixed.dlg >loop.dlg
expect 0 "" "$DLGC" -O0 loop.dlg -o loop.cl
expect 4 ", iteration 1 of its loop, from loop.dlg:6" "$DLG" train loop.cl --epochs 20 --check-nan
expect 2 "either --check-nan or --ignore-nan" "$DLG" train mixed.dlg --check-nan --ignore-nan
done_testing
