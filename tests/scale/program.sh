#!/bin/sh
# program.sh KIND N: a program of its kind as large as N says, for measuring how compiling grows.
# program.sh: the kinds, one a line, and the largest N that is within the limits of the language.
set -eu
kinds='chain 4700 elementwise, forks, with its gradient
mlp 2140 dense layers with their params, trained by adam
lstm 1510 an unrolled LSTM, trained
attend 210 transformer blocks, trained
statements 16400 small bindings that do not depend on each other
wide 19700 as many, each stored for itself
params 12300 params, trained by sgd
inputs 49000 inputs, summed
functions 19700 functions, each called
rebound 19700 one name, bound again and again
names 3000 names of 1,000 bytes
fan 98000 uses of one value, with its gradient
parens 9900 brackets in each other
operators 9900 unary operators in each other
calls 9900 calls as arguments of each other
through 9000 functions that call each other
ifs 4900 conditions in each other
fors 4900 loops of one turn in each other
turns 24700 turns of one loop
literal 400000 numbers in one literal
rows 100000 rows of a literal
scans 9800 loops, one after the other
trained 4100 loops one after the other, trained
nested 1700 loops four deep, with gradients
carried 450 values carried by one loop, trained
body 6100 nodes in the body of a loop, with its gradient
entries 1700 entries
updates 32900 updates of states
outputs 900 results
errors 20000 wrong statements
clipped 9000 params, trained with their common norm clipped
shared 9800 uses of one param, each stored, which is trained
fresh 24700 values stored one after the other and read once
attended 5200 rows normalized and multiplied, one after the other
unknown 20000 names that there are not'
if [ $# -eq 0 ]; then
    printf '%s\n' "$kinds"
    exit 0
fi
kind=$1 n=$2

# many N TEXT: the text N times, with the number for each %d.
many() {
    awk -v n="$1" -v text="$2" 'BEGIN {
        parts = split(text, part, "%d")
        for (i = 0; i < n; i++) {
            printf "%s", part[1]
            for (k = 2; k <= parts; k++) printf "%d%s", i, part[k]
        }
    }'
}

case $kind in
chain) cat <<PROGRAM ;;
param w : f32[8] = 1
y = w
for t in 0..$n {
    z = tanh(y * 0.5 + w)
    y = z * y + sin(z) * (t + 1)
}
loss = sum(y)
entry train -> loss { minimize loss by sgd() }
PROGRAM
mlp) cat <<PROGRAM ;;
input x : f32[16, 32]
h = x
for t in 0..$n {
    layer = dense(h, 32)
    h = relu(layer)
}
loss = mean(h)
entry train -> loss { minimize loss by adam() }
PROGRAM
lstm) cat <<PROGRAM ;;
input xs : f32[$n, 8, 16]
param w : f32[48, 128] ~ glorot()
param b : f32[128] = 0
h = zeros(8, 32)
c = zeros(8, 32)
for t in 0..$n {
    gates = concat(xs[t], h, axis = 1) @ w + b
    c = sigmoid(gates[:, 32:64]) * c + sigmoid(gates[:, 0:32]) * tanh(gates[:, 64:96])
    h = sigmoid(gates[:, 96:128]) * tanh(c)
}
loss = mean(h * h)
entry train -> loss { minimize loss by adam() }
PROGRAM
attend) cat <<PROGRAM ;;
input x : f32[2, 8, 16]
h = x
for t in 0..$n {
    normed = layer_norm(h)
    attended = multi_head_attention(normed, 2, causal = true)
    h = h + attended
    wide = gelu(dense(rms_norm(h), 32))
    narrow = dense(wide, 16)
    h = h + narrow
}
loss = mean(h * h)
entry train -> loss { minimize loss by adamw() }
PROGRAM
statements)
    echo 'input x : f32[8]'
    many "$n" 'a%d = x * %d.5 + 1
'
    awk -v n="$n" 'BEGIN {
        printf "total = a0"
        for (i = 1; i < n; i++) { printf " + a%d", i; if (i % 1000 == 0) printf "\ntotal = total" }
    }'
    printf '\nentry e -> total\n'
    ;;
wide)
    echo 'input x : f32[8]'
    many "$n" 'state a%d : f32[8] = 0
'
    echo 'entry e {'
    many "$n" '    a%d <- x * %d.5 + 1
'
    echo '}'
    ;;
params)
    echo 'input x : f32[8]'
    echo 'total = x'
    many "$n" 'param p%d : f32[8] = %d
total = total + sin(p%d * x)
'
    echo 'loss = sum(total)'
    echo 'entry train -> loss { minimize loss by sgd() }'
    ;;
inputs)
    many "$n" 'input x%d : f32[8]
'
    echo 'total = x0'
    many "$n" 'total = total + x%d
'
    echo 'entry e -> total'
    ;;
functions)
    many "$n" 'fn f%d(x) { return x * %d.5 }
'
    echo 'input x : f32[8]'
    echo 'y = x'
    many "$n" 'y = y + f%d(x)
'
    echo 'entry e -> y'
    ;;
rebound)
    echo 'input x : f32[8]'
    echo 'y = x'
    many "$n" 'y = y * %d.5 - x
'
    echo 'entry e -> y'
    ;;
names)
    echo 'input x : f32[8]'
    echo 'y = x'
    long=$(many 98 abcdefghij)
    many "$n" "$long%d = x * %d.5
y = y + $long%d
"
    echo 'entry e -> y'
    ;;
fan)
    echo 'param w : f32[8] = 1'
    echo 'total = w'
    echo "for t in 0..$((n / 5)) { total = total + w * (t + 0.5) }"
    echo 'loss = sum(total)'
    echo 'entry e -> loss, g = grad(loss, w)'
    ;;
parens)
    printf 'input x : f32[8]\ny = '
    many "$n" '('
    printf 'x'
    many "$n" ' + %d)'
    printf '\nentry e -> y\n'
    ;;
operators)
    printf 'input x : f32[8]\ny = '
    many "$n" '-'
    printf 'x\nentry e -> y\n'
    ;;
calls)
    printf 'input x : f32[8]\ny = '
    many "$n" 'sin('
    printf 'x'
    many "$n" ')'
    printf '\nentry e -> y\n'
    ;;
through)
    echo 'input x : f32[8]'
    echo 'fn f0(x) { return sin(x) }'
    awk -v n="$n" 'BEGIN {
        for (i = 1; i < n; i++) printf "fn f%d(x) { return f%d(x) * %d.5 }\n", i, i - 1, i
    }'
    echo "y = f$((n - 1))(x)"
    echo 'entry e -> y'
    ;;
ifs)
    printf 'input x : f32[8]\ny = x\n'
    many "$n" 'if %d >= 0 { y = y * 1.5
'
    many "$n" '}'
    printf '\nentry e -> y\n'
    ;;
fors)
    printf 'input x : f32[8]\ny = x\n'
    many "$n" 'for i%d in 0..1 { y = y * 1.5
'
    many "$n" '}'
    printf '\nentry e -> y\n'
    ;;
turns) cat <<PROGRAM ;;
input x : f32[8]
y = x
for t in 0..$n { y = y + t }
entry e -> y
PROGRAM
literal)
    printf 'y = ['
    many "$n" '%d.5, '
    printf '1]\nentry e -> s = sum(y)\n'
    ;;
rows)
    printf 'y = ['
    many "$n" '[%d.5, 2], '
    printf '[1, 2]]\nentry e -> s = sum(y)\n'
    ;;
scans)
    echo 'input xs : f32[4, 8]'
    echo 'h = xs[0]'
    many "$n" 'h, hs = scan t in 0..4 with h = h { h = sin(h) + xs[t] * %d.5; yield h * h }
'
    echo 'entry e -> h'
    ;;
trained)
    echo 'input xs : f32[4, 8]'
    echo 'param w : f32[8] = 1'
    echo 'h = xs[0]'
    many "$n" 'h = scan t in 0..4 with h = h { h = sin(h * w) + xs[t] * %d.5 }
'
    echo 'loss = sum(h)'
    echo 'entry train -> loss { minimize loss by sgd() }'
    ;;
nested)
    echo 'input xs : f32[4, 8]'
    echo 'param w : f32[8] = 1'
    echo 'h = xs[0]'
    many "$n" 'h = scan a in 0..2 with h = h { h = scan b in 0..2 with h = h { h = scan c in 0..2 with h = h {
    h = scan d in 0..4 with h = h { h = sin(h * w) + xs[d] * %d.5 } } } }
'
    echo 'loss = sum(h)'
    echo 'entry train -> loss { minimize loss by sgd() }'
    ;;
carried)
    echo 'input xs : f32[4, 8]'
    echo 'param w : f32[8] = 1'
    awk -v n="$n" 'BEGIN {
        for (i = 0; i < n; i++) printf "%sh%d", i ? ", " : "", i
        printf " = scan t in 0..4 with "
        for (i = 0; i < n; i++) printf "%sh%d = xs[0]", i ? ", " : "", i
        printf " {\n"
        for (i = 0; i < n; i++) printf "h%d = sin(h%d * w) + xs[t] * %d.5\n", i, (i + 1) % n, i
        printf "}\nloss = sum(h0)"
        for (i = 1; i < n; i++) printf " + sum(h%d)", i
    }'
    printf '\nentry train -> loss { minimize loss by sgd() }\n'
    ;;
body) cat <<PROGRAM ;;
input xs : f32[4, 8]
param w : f32[8] = 1
h = scan t in 0..4 with h = xs[0] {
    for k in 0..$n { h = sin(h * w) + xs[t] * (k + 0.5) }
}
loss = sum(h)
entry train -> loss { minimize loss by sgd() }
PROGRAM
clipped)
    echo 'input x : f32[8]'
    echo 'total = x'
    many "$n" 'param p%d : f32[8] = %d
total = total + sin(p%d * x)
'
    echo 'loss = sum(total)'
    echo 'entry train -> loss { minimize loss by sgd(lr = 0.1 / maximum(1, global_norm)) }'
    ;;
shared) cat <<PROGRAM ;;
input x : f32[8, 8]
param w : f32[8, 8] = 1
y = x
for t in 0..$n { y = sum(y * w, axis = 0, keep = true) + x }
loss = sum(y)
entry train -> loss { minimize loss by sgd() }
PROGRAM
attended) cat <<PROGRAM ;;
input x : f32[64, 64]
param w : f32[64, 64] ~ glorot()
h = x
for t in 0..$n { h = softmax(tanh(h) * (1 + t / 100) + sin(h), axis = 1) @ w }
entry e -> h
PROGRAM
fresh) cat <<PROGRAM ;;
input x : f32[8, 8]
y = x
for t in 0..$n { y = x + sum(y, axis = 0, keep = true) }
entry e -> y
PROGRAM
entries)
    echo 'input x : f32[8]'
    echo 'y = x * 2'
    many "$n" 'entry e%d -> y, z = y + %d.5
'
    ;;
updates)
    echo 'input x : f32[8]'
    many "$n" 'state s%d : f32[8] = 0
'
    echo 'entry e {'
    many "$n" '    s%d <- s%d * 0.5 + x
'
    echo '}'
    ;;
outputs)
    echo 'input x : f32[8]'
    printf 'entry e -> y = x'
    many "$n" ', y%d = x * %d.5'
    echo
    ;;
errors)
    echo 'input x : f32[8]'
    many "$n" 'y%d = x + ones(%d, 7)
'
    echo 'entry e -> x'
    ;;
unknown)
    echo 'input x : f32[8]'
    many "$n" 'some_name%d = x
'
    many "$n" 'z%d = x + same_nume%d
'
    echo 'entry e -> x'
    ;;
*)
    echo "program.sh: there is no kind $kind" >&2
    exit 2
    ;;
esac
