#!/bin/sh
# Where the driver has built nothing yet, other processes build kernels beside the one that trains: what is trained is the same.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
[ -z "${DLG_SANITIZE:-}" ] || exit 77
cat >layers.dlg <<'MODEL'
const batch = 64
input x : f32[batch, 100]
input y : i32[batch]
a = tanh(dense(x, 300))
h = relu(dense(a, 200))
b = dense(h, 7)
loss = mean(cross_entropy(b, y))
entry train -> loss { minimize loss by adam(lr = 1e-3) }
MODEL
awk 'BEGIN { for (i = 0; i < 128; i++) { line = i % 7; for (k = 0; k < 100; k++) line = line "," (i * 37 + k * k * 11) % 101 / 50 - 1; print line } }' >x.csv
train() { expect 0 "weights" "$DLG" train layers.dlg --target cpu --data x=x.csv:1:101 --data y=x.csv:0 --epochs 2 --save "$1"; }
mkdir cache
(
    export POCL_CACHE_DIR=$PWD/cache
    train cold.w
    train warm.w
    [ "$failures" -eq 0 ]
) || fail "training from an empty cache"
train usual.w
same cold.w usual.w
same warm.w usual.w
# In pairs the same kernels are built, with other options.
if on_processor; then
    mkdir paired
    (
        export POCL_CACHE_DIR=$PWD/paired
        expect 0 "weights" "$DLG" train layers.dlg --pair --target cpu --data x=x.csv:1:101 --data y=x.csv:0 --epochs 2 --save paired.w
        [ "$failures" -eq 0 ]
    ) || fail "training in pairs from an empty cache"
    same paired.w usual.w
fi
# Nobody waits for one that has stopped.
mkdir stopped
POCL_CACHE_DIR=$PWD/stopped timeout 120 "$DLG" train layers.dlg --target cpu --data x=x.csv:1:101 --data y=x.csv:0 \
    --epochs 2 --save stopped.w >stopped.out 2>&1 &
trainer=$!
while kill -0 "$trainer" 2>/dev/null; do
    for process in /proc/[0-9]*; do
        tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -q '^dlg build-kernels' || continue
        [ "$(readlink "$process/cwd")" = "$PWD" ] && kill -STOP "${process#/proc/}" && echo stopped >seen.stopped
    done
    sleep 0.05
done 2>/dev/null
wait "$trainer" || fail "a stopped builder is waited for: $(cat stopped.out)"
same stopped.w usual.w
# On a terminal a line says what takes the time, and goes away.
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    TERM=xterm script -qec "dlg train layers.dlg --target cpu --data x=x.csv:1:101 --data y=x.csv:0 --epochs 1" /dev/null </dev/null >seen
    grep -q 'building kernels \.\.\.' seen || fail "what takes the time is not shown"
    sed "s/.*$(printf '\033')\[K//" seen | grep -q 'building kernels \.\.\.' && fail "the line stays"
fi
# What is said meanwhile is said on lines of its own.
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    TERM=xterm script -qec "dlg train layers.dlg --target cpu --data x=x.csv:1:101 --data y=x.csv:0 --epochs 1 --checkpoint c --resume" \
        /dev/null </dev/null >seen
    grep -q 'there is no checkpoint c' seen || fail "the checkpoint is not told"
    grep -qF "...$(printf '\033')[Kthere" seen && fail "the checkpoint is told behind another line"
fi
# One that builds kernels says nothing.
expect 0 "" "$DLGC" layers.dlg -o layers.cl
device=${DLG_DEVICE:-0}
expect 0 "" "$DLG" build-kernels "$device" train 0 1 <layers.cl
[ -s out ] || [ -s err ] && fail "build-kernels says something"
expect 1 "" "$DLG" build-kernels "$device" none 0 1 <layers.cl
expect 0 "" "$DLGC" layers.dlg --pair -o pair.cl
! on_processor || expect 0 "" "$DLG" build-kernels "$device" train 0 1 pair <pair.cl
expect 1 "" "$DLG" build-kernels "$device" train 0 1 pair <layers.cl
expect 1 "" "$DLG" build-kernels "$device" train 0 1 pears <pair.cl
expect 1 "" "$DLG" build-kernels "$device" train 0 1 <x.csv
expect 1 "" "$DLG" build-kernels "$device" train 0 1 </dev/null
expect 1 "" "$DLG" build-kernels
done_testing
