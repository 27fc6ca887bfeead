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
sed 's/tanh_of[0-9]*(\(x[0-9]*\))/sin(\1)/' wave.cl >edited.cl
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

# What is 0 in mathematics is rounding on a device, and Adam steps by it: the bias before batch_norm, the
# key bias of attention. That is said, and is no error.
cp "$DLG_SOURCE_DIR/samples/convnet.dlg" .
cat >attention.dlg <<'DLG'
input x : f32[2, 6, 16]
m = multi_head_attention(x, 4, causal = true)
loss = mean(m * m)
entry train -> loss { minimize loss by adam(lr = 1e-3) }
DLG
cat >norm.dlg <<'DLG'
input x : f32[16, 64] from "digits.csv" columns 0:64
input y : i32[16] from "digits.csv" columns 64
h = relu(batch_norm(dense(x / 16, 32)))
loss = mean(cross_entropy(dense(h, 10), y))
entry train -> loss { minimize loss by sgd(lr = 0.1) }
DLG
expect 0 "that rounding alone decides" "$DLG" verify convnet.dlg -D batch=8 --entry train
grep -q 'train  *a.b  .*by rounding alone' out || fail "convnet: $(cat out)"
expect 0 "that rounding alone decides" "$DLG" verify attention.dlg
grep -q 'm.k.b:adam.m .*by rounding alone' out || fail "attention: $(cat out)"
expect 0 "that rounding alone decides" "$DLG" verify norm.dlg
[ "$(grep -c 'by rounding alone' out)" -eq 1 ] || fail "norm: $(cat out)"

# ... but only what is rounding: a step that is off is found, of such a bias too, and in Adam's epsilon.
expect 0 "" "$DLGC" norm.dlg
sed 's/\(st[0-9]*(h_b\( + [0-9]*\)*, \)/\1 1e-5f + /' norm.cl >edited.cl
cmp -s norm.cl edited.cl && fail "there is no store of h_b to edit"
expect 1 'entry `train`: h.b[' "$DLG" verify norm.dlg --program edited.cl
[ "$(grep -c WRONG out)" -eq 1 ] || fail "norm, edited: $(cat out)"
expect 0 "" "$DLGC" attention.dlg
sed 's/1e-08f/1e-05f/g' attention.cl >edited.cl
cmp -s attention.cl edited.cl && fail "there is no epsilon to edit"
expect 1 'entry `train`: m.q.w[' "$DLG" verify attention.dlg --program edited.cl

# What is kept of the steps before is not 0, which would hide what it is multiplied by.
cat >moments.dlg <<'DLG'
input x : f32[8, 6]
entry train -> loss { minimize loss by momentum(lr = 0.1, mu = 0.875) }
loss = mean(dense(x, 3) ** 2)
DLG
expect 0 "are within 0.0001" "$DLG" verify moments.dlg
expect 0 "" "$DLGC" moments.dlg
sed 's/0\.875f/0.5f/g' moments.cl >edited.cl
cmp -s moments.cl edited.cl && fail "there is no momentum to edit"
expect 1 "are wrong" "$DLG" verify moments.dlg --program edited.cl

# Pixels of 0 with a bias of 0 are at the kink of relu.
cat >kink.dlg <<'DLG'
input x : f32[8, 64] from "digits.csv" columns 0:64
input y : i32[8] from "digits.csv" columns 64
a = max_pool(relu(conv(reshape(x / 16, 8, 1, 8, 8), 6, 3, pad = 1)), 2)
loss = mean(cross_entropy(dense(flatten(a), 10), y))
entry train -> loss { minimize loss by sgd(lr = 0.0) } # it stays there
DLG
expect 0 "by differences, beside a kink" "$DLG" verify kink.dlg
expect 0 "not checked: a kink" "$DLG" verify "$data/kink.dlg"

# Of a value that is not finite there is no slope to compare; of one that is, a gradient of NaN is wrong.
cat >nan.dlg <<'DLG'
param w : f32[2] = 0
bad = sum(log(w - 1))
entry slope -> g = grad(bad, w)
DLG
expect 0 "not checked: the value is not finite here" "$DLG" verify nan.dlg
sed 's/log(w - 1)/sqrt(w)/' nan.dlg >root.dlg
expect 0 "not checked: the value is not finite beside here" "$DLG" verify root.dlg
sed 's/log(w - 1)/where(w > 0, sqrt(w), 0)/' nan.dlg >trap.dlg
expect 1 "by differences, WRONG" "$DLG" verify trap.dlg

# A program of another model: what it has by the same name is of another size or type.
cat >small.dlg <<'DLG'
input x : f32[2, 3]
param w : f32[3] = 1
state s : f32[4] = 0
entry e -> y = x * w { s <- full(2, f32, 4) }
DLG
for other in 's/f32\[3\] = 1/f32[300] = 1/;s/\[2, 3\]/[2, 300]/' 's/full(2, f32, 4)/full(2, f32, 400)/;s/s : f32\[4\]/s : f32[400]/' 's/2, 3/1, 3/'; do
    sed "$other" small.dlg >large.dlg
    expect 0 "" "$DLGC" large.dlg -o large.cl
    expect 1 "is of another size in the program" "$DLG" verify small.dlg --program large.cl
done
sed 's/param w : f32/param w : f16/' small.dlg >half.dlg
expect 0 "" "$DLGC" half.dlg -o half.cl
expect 1 "\`w\` is of another type in the program" "$DLG" verify small.dlg --program half.cl

# What the reference has no memory for is known before it begins; the message names a constant of the model.
cat >wide.dlg <<'DLG'
const batch = 30000
input x : f32[batch]
input z : f32[30000]
entry e -> y = sum(square(expand_dims(x, 1) * z), axis = 1)
DLG
expect 3 "GB of values at one time, and may have 4.29; less by -D batch=2" "$DLG" verify wide.dlg
expect 0 "are within" "$DLG" verify wide.dlg -D batch=2

expect 2 "the reference is made of a .dlg" "$DLG" verify wave.cl
expect 1 "has no entry \`fly\`" "$DLG" verify wave.dlg --entry fly
printf 'entry e -> y\n' >bad.dlg
expect 1 "error[E0201]" "$DLG" verify bad.dlg
# Two kernels with large tiles in local memory as one launch, whose groups a processor's threads do at one time.
printf "input x : f32[1800, 17]\ninput w : f32[17, 2000]\nentry e -> y = relu(x @ w), z = w' @ x'\n" >tiles.dlg
expect 0 "all 2 are within" "$DLG" verify tiles.dlg --target gpu
# On a terminal the line says what takes the time, and goes away; the table is the same.
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    cp "$DLG_SOURCE_DIR/samples/xor.dlg" "$DLG_SOURCE_DIR/samples/xor.csv" .
    expect 0 "all " "$DLG" verify xor.dlg
    script -qec "dlg verify xor.dlg" /dev/null </dev/null | tr -d '\r' >seen
    grep -q "train: the reference evaluates it \.\.\." seen || fail "what takes the time is not shown"
    grep -q "gradient 1 of [0-9]* against differences" seen || fail "the gradients are not shown"
    sed "s/.*$(printf '\033')\[K//" seen >bare
    same bare out
fi
done_testing
