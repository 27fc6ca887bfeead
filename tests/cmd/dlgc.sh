#!/bin/sh
# The command dlgc: statuses, and that an output file is written whole or not at all.
set -u
failed=0

expect() { # expect STATUS ARGUMENT...: of dlgc; its output is in out and err
    wanted=$1
    shift
    "$DLGC" "$@" >out 2>err </dev/null
    status=$?
    [ "$status" -eq "$wanted" ] && return
    echo "FAIL dlgc $*: exit status $status, not $wanted"
    cat err
    failed=1
}

check() { # check WHAT TEST...: the test holds
    what=$1
    shift
    "$@" && return
    echo "FAIL $what"
    failed=1
}

said() {
    check "dlgc should say '$1'" grep -q -- "$1" err
}

cat >good.dlg <<'END'
const n = 3
input x : f32[n]
entry double -> y = 2 * x
END
printf 'entry e -> nothing\n' >wrong.dlg

# The program goes beside its source, or where -o says.
expect 0 good.dlg
check "good.cl is written" test -s good.cl
check "a success says nothing" test ! -s err
expect 0 good.dlg -o other.cl
check "the same twice" cmp -s good.cl other.cl
expect 0 good.dlg -o -
check "the same on standard output" cmp -s good.cl out
expect 0 --emit plan good.dlg
check "a plan goes to standard output" grep -q '^//! entry double' out
expect 0 --emit graph good.dlg
check "so does a graph" grep -q '^entry double' out
expect 0 --emit dot good.dlg
check "so does a graph for graphviz" grep -q '^digraph' out
expect 0 --dump-after lower good.dlg
check "and a dump" grep -q '^entry double' out
expect 0 -D n=5 -O1 --target gpu good.dlg -o -
check "-D sets a constant" grep -q 'x f32 5 input' out

# After an error what was there is there still.
echo before >wrong.cl
expect 1 wrong.dlg
said 'error\[E0201\]'
check "an output is kept after an error" grep -q before wrong.cl
check "nothing else is left" test "$(ls | wc -l)" -eq 7
cp good.dlg both.cl
expect 1 both.cl -o both.cl
said 'not overwritten'
check "the input is kept" cmp -s good.dlg both.cl

# Nothing is destroyed that dlgc did not make; what it made is replaced.
printf '1,2\n3,4\n' >table.csv
cp table.csv table.copy
expect 1 good.dlg -o table.csv
said 'table.csv is there and was not made by dlgc: it is not overwritten; remove it first'
check "a table is kept" cmp -s table.csv table.copy
cp good.cl good.copy
expect 1 good.dlg --emit dot -o good.cl
check "a program is kept" cmp -s good.cl good.copy
expect 0 good.dlg -o good.cl
expect 0 good.dlg --emit graph -o graph.txt
expect 0 good.dlg --emit graph -o graph.txt
: >empty
expect 0 good.dlg -o empty
expect 0 good.dlg -o /dev/null
expect 0 good.dlg -o /dev/stdout
expect 1 good.dlg -o .
said 'cannot write .: Is a directory'
expect 1 good.dlg -o ''
said 'names no file'

# A link stays a link; permissions stay.
echo '//! dlg before' >target.cl
chmod 640 target.cl
ln -s target.cl link.cl
expect 0 good.dlg -o link.cl
check "the link stays" test -L link.cl
check "what it leads to is written" cmp -s good.cl target.cl
check "its permissions stay" test "$(stat -c %a target.cl)" = 640

# So does one to what is not there yet; one that leads nowhere is an error, as for dlg.
mkdir elsewhere
ln -s elsewhere/ahead.cl further.cl
ln -s further.cl dangling.cl
expect 0 good.dlg -o dangling.cl
check "the links stay" test -L dangling.cl -a -L further.cl
check "what they lead to is written" cmp -s good.cl elsewhere/ahead.cl
ln -s round.cl round.cl
expect 1 good.dlg -o round.cl
said 'cannot write round.cl: Too many levels of symbolic links'
ln -s nowhere/target.cl lost.cl
expect 1 good.dlg -o lost.cl
said 'cannot write lost.cl: No such file'
check "that link stays" test -L lost.cl

# The path is wrong, or the system fails.
expect 1 good.dlg -o missing/good.cl
said 'cannot write missing/good.cl: No such file'
if [ -e /dev/full ]; then
    expect 3 good.dlg -o /dev/full
    said 'No space left'
    "$DLGC" good.dlg -o - >/dev/full 2>err
    check "a full standard output is an error" test $? -eq 3
fi
cp good.cl before.cl
(ulimit -f 1; "$DLGC" good.dlg) 2>err
check "a limit on the size of files is an error" test $? -eq 3
said 'File too large'
check "what is there stays" cmp -s good.cl before.cl

# The input is wrong.
expect 1 missing.dlg
said 'cannot read missing.dlg: No such file'
expect 1 .
said 'cannot read .: Is a directory'
printf '1,2\n3,4\n' >numbers.csv
expect 1 numbers.csv
said 'numbers.csv: is no model: the name of one ends in .dlg'
check "in one line" test "$(wc -l <err)" -eq 1

# What is no error, but most likely a mistake, is a warning, once for all entries.
cat >habit.dlg <<'END'
input x : f32[8, 4]
input y : i32[8]
input t : f32[8]
fn sure(p) { return mean(cross_entropy(softmax(p), y)) }
logits = dense(x, 3)
probs = softmax(logits)
a = mean(cross_entropy(probs, y))
out = dense(x, 1)[:, 0]
b = binary_cross_entropy(sigmoid(out), t)
c = mean(cross_entropy(logits, softmax(logits)))
d = mean(cross_entropy(y = softmax(logits), logits = logits))
probs = logits
e = mean(cross_entropy(probs, y))
f = sure(logits)
entry one -> a, b, c, d, e, f
entry two -> a
END
expect 0 habit.dlg -o -
check "three warnings" test "$(grep -c '^warning\[W0102\]' err)" -eq 3
said '`binary_cross_entropy` takes logits, and these are probabilities'
said 'leave `softmax` out: it is a part of the loss'
# Not where the name has another value: of several targets, of a loop, of a scan and within it, of a block; nor by
# a function of the user's own.
cat >rebound.dlg <<'END'
input x : f32[8, 4]
input y : i32[8]
z = dense(x, 3)
p = softmax(z)
p, q = lstm_cell(x, z, z, 3)
a = mean(cross_entropy(p, y))
r = softmax(z)
for i in 0..2 { r = z * 2 }
b = mean(cross_entropy(r, y))
s = softmax(z)
u, c = scan t in 0..2 with s = z { yield mean(cross_entropy(s, y)) }
s, l = scan t in 0..2 with s = z { yield s }
d = mean(cross_entropy(s, y))
if true { s = softmax(z); s = z }
e = mean(cross_entropy(s, y))
entry one -> a, b, c, d, e, q, l, u
END
expect 0 rebound.dlg -o -
check "no warning of what was bound again" test ! -s err
printf 'softmax = relu\n' | cat - rebound.dlg >own.dlg
sed -i 's/^a = .*/a = mean(cross_entropy(softmax(z), y))/' own.dlg
expect 0 own.dlg -o -
check "no warning of a function of the user's own" test ! -s err

# Usage.
expect 2
expect 2 good.dlg wrong.dlg
said '(-o names the output)'
expect 2 good.dlg -o good.c
said '-o good.c: the model as C is written by --emit c'
expect 0 --emit cl good.dlg -o said.c
check "what is asked for is written" cmp -s good.cl said.c
expect 0 --explain good.dlg -o explained.c
expect 2 --emit nonsense good.dlg
expect 2 --target nonsense good.dlg
said 'cpu'
expect 2 --dump-after nonsense good.dlg
said 'lower'
expect 2 -O3 good.dlg
expect 2 -D n good.dlg
expect 2 --nonsense good.dlg
expect 0 --help
expect 0 --version

# No colours where nobody looks.
expect 1 wrong.dlg
check "no escape sequences in a file" test -z "$(tr -dc '\033' <err)"

# --rewrites: the first so many, and what the last one was.
cat >sums.dlg <<'END'
param w : f32[32, 32] = 0.5
input x : f32[32, 32]
loss = mean((tanh(x @ w) @ w) ** 2)
entry train -> loss { minimize loss by sgd() }
END
expect 0 sums.dlg -o all.cl
expect 0 sums.dlg --rewrites 0 -o none.cl
said 'rewrites made: 0'
expect 0 sums.dlg --rewrites 2 -o two.cl
said 'rewrites made: 2; the last: .*, at sums.dlg:3'
expect 0 sums.dlg --rewrites 100000 -o every.cl
said 'rewrites made: .*, all that there are'
check "all rewrites make the same program" cmp -s all.cl every.cl
check "without rewrites there are more launches" \
    test "$(grep -c '^//! launch' none.cl)" -gt "$(grep -c '^//! launch' all.cl)"
expect 2 sums.dlg --rewrites many
said 'takes a number'

# No rewrite makes a tensor that a program may not have: here the gradient's windows, with more filters than channels.
made_windows() { # made_windows FILTERS: whether the gradient of so many became a contraction of windows
    cat >windows.dlg <<END
input x : f32[8, 16, 64, 64]
param w : f32[$1, 16, 9, 9] ~ he()
entry images -> g = grad(mean(conv2d(x, w) ** 2), x)
END
    for n in 1 2 3 4 5 6 7 8 9; do
        "$DLGC" windows.dlg --rewrites $n -o windows.cl 2>err || return 2
        ! grep -q 'the gradient of windows is' err || return 0
    done
    return 1
}
check "the gradient of 256 filters is one of windows" made_windows 256
made_windows 2048
check "the gradient of 2048 filters is not" test $? -eq 1

# The plan counts what is multiplied, not the lanes beside: 13 filters are less than a vector.
cat >lanes.dlg <<'END'
input x : f32[8, 16, 40, 40]
param w : f32[13, 16, 3, 3] ~ he()
entry e -> y = conv2d(x, w)
END
for target in cpu cpu8; do
    expect 0 lanes.dlg --target $target -o lanes.cl
    check "13 filters are counted" grep -q " flops $((2 * 8 * 13 * 38 * 38 * 16 * 9)) " lanes.cl
done

exit $failed
