#!/bin/sh
# dlg verify: samples agree with the reference; a kernel or gradient that is wrong is told, with the place.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$DLG_SOURCE_DIR"/samples/digits.* "$DLG_SOURCE_DIR"/samples/xor.* .
for name in digits xor; do
    expect 0 "by differences" "$DLG" verify $name.dlg
    expect 0 "are within 0.0001" "$DLG" verify $name.dlg --seed 7
    grep -q ' 0  by differences' out && fail "$name: a gradient is said to be exact: $(cat out)"
    grep -q WRONG out && fail "$name: $(cat out)"
done
expect 0 "d loss / d h.w" "$DLG" verify digits.dlg --entry train
grep -q '^predict' out && fail "--entry train runs others: $(cat out)"

# Without the data inputs are random, and that is said.
rm digits.csv
expect 0 "the inputs are random" "$DLG" verify digits.dlg --entry train
cp "$DLG_SOURCE_DIR/samples/digits.csv" .

# f32 is not exact: a tolerance of nothing fails, with the element and both values.
expect 1 "on the device and" "$DLG" verify digits.dlg --tolerance 0

# Products by panels, on a device: of sizes that leave something everywhere.
cat >panels.dlg <<'DLG'
input x : f32[131, 514]
param w : f32[514, 533] ~ he()
input v : f32[519, 514]
y = relu(x @ w)
entry train -> y { minimize mean(y ** 2) by sgd(lr = 0.1) }
entry turned -> z = x @ v'
DLG
expect 0 "" "$DLGC" panels.dlg
[ "$(grep -c 'float panel\[' panels.cl)" -ge 2 ] || fail "panels.dlg does not go by panels"
rm panels.cl
expect 0 "are within" "$DLG" verify panels.dlg

# A kernel edited by hand.
cat >wave.dlg <<'DLG'
input x : f32[3, 4]
param w : f32[4] = 0.5
y = tanh(x) * w
loss = mean(y * y)
entry look -> y, n = argmax(y, axis = 1)
entry train -> loss { minimize loss by sgd(lr = 0.1) }
DLG
expect 0 "" "$DLGC" wave.dlg -o wave.cl
expect 0 "are within" "$DLG" verify wave.dlg --program wave.cl
sed 's/\btanh(/sin(/' wave.cl >edited.cl
cmp -s wave.cl edited.cl && fail "there is no tanh to edit"
expect 1 "entry \`look\`: y[" "$DLG" verify wave.dlg --program edited.cl
grep -q 'y .*WRONG' out || fail "the table does not say so: $(cat out)"

# Loops, storage types and values under stop_gradient; what differences cannot tell is listed.
cat >mixed.dlg <<'DLG'
input x : f16[5, 3]
input y : u8[3]
param w : f32[3] ~ uniform(-1, 1)
param h : bf16[3] ~ uniform(-1, 1)
s = scan t in 0..5 with s = w * 1 { s = tanh(s * h + x[t]) }
held = stop_gradient(w * w)
loss = sum(s * held) + mean(cast(y, f32) / 256 * w)
rough = sum(cast(cast(w, f16), f32) * w)
entry train -> loss { minimize loss by sgd(lr = 0.1) }
entry slope -> g = grad(rough, w), a = grad(loss, x)
DLG
expect 0 "not checked: the value rounds to f16 or bf16 on the way" "$DLG" verify mixed.dlg
grep -q 'd loss / d w .*by differences' out || fail "no gradient of w: $(cat out)"

expect 2 "the reference is made of a .dlg" "$DLG" verify wave.cl
expect 1 "has no entry \`fly\`" "$DLG" verify wave.dlg --entry fly
printf 'entry e -> y\n' >bad.dlg
expect 1 "error[E0201]" "$DLG" verify bad.dlg
done_testing
