#!/bin/sh
# The targets of processors differ in how large tiles are, never in the order of additions: they give the same bits.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
[ -z "${DLG_SANITIZE:-}" ] || exit 77
cat >layers.dlg <<'MODEL'
# Products of all layouts that a step has: by tiles, by panels (the first), with lanes along what is contracted.
const batch = 128, width = 600
input x : f32[batch, width]
input y : i32[batch]
a = tanh(dense(x, 520))
b = relu(dense(a, 50))
loss = mean(cross_entropy(dense(b, 7), y))
entry train -> loss { minimize loss by adam(lr = 1e-3) }
MODEL
awk 'BEGIN { for (i = 0; i < 128; i++) { line = i % 7; for (k = 0; k < 600; k++) line = line "," (i * 37 + k * k * 11) % 101 / 50 - 1; print line } }' >x.csv
for target in cpu cpu8; do
    expect 0 "weights" "$DLG" train layers.dlg --target $target --data x=x.csv:1:601 --data y=x.csv:0 --epochs 3 --seed 1 --save $target.w
    expect 0 "" "$DLGC" layers.dlg --target $target -o $target.cl
    grep -q "target $target " $target.cl || fail "$target.cl is not for $target"
done
same cpu.w cpu8.w
cmp -s cpu.cl cpu8.cl && fail "the targets have the same text"

# Rows that lie a multiple of 4 KiB apart drive each other out of the cache: they are copied, others are read where they lie.
for columns in 2048 2040; do
    printf 'input a : f32[32, 512]\ninput b : f32[512, %d]\nentry run -> y = a @ b\n' $columns >wide.dlg
    expect 0 "" "$DLGC" wide.dlg -o wide$columns.cl
    expect 0 "" "$DLG" verify wide.dlg --target cpu
done
grep -q 'float panel\[' wide2048.cl || fail "wide2048.cl has no panels"
grep -q 'float panel\[' wide2040.cl && fail "wide2040.cl has panels"

# A precision is for matrix units: what has none multiplies as ever, and a word that is none is told.
expect 0 "" "$DLGC" layers.dlg --precision tf32 -o same.cl
same cpu.cl same.cl
printf 'input a : f32[512, 64]\ninput b : f32[64, 2048]\nentry run -> y = a @ b\n' >tiles.dlg
for precision in 3xtf32 tf32 bf16; do
    expect 0 "" "$DLGC" tiles.dlg --target gpu_mma --precision $precision -o $precision.cl
    grep -q -E "mma_(product|slice)_$precision\(sums" $precision.cl || fail "$precision.cl does not multiply so"
done
expect 0 "" "$DLGC" layers.dlg --target gpu_mma --precision f32 -o f32.cl
grep -q -E 'mma_(product|slice)' f32.cl && fail "f32.cl multiplies by matrix units"
expect 2 "no precision" "$DLGC" layers.dlg --precision fp8
expect 2 "no precision" "$DLG" inspect layers.dlg --precision fp8
expect 2 "is compiled already: --precision is for a .dlg" "$DLG" inspect cpu.cl --precision tf32
# Products of few tiles go by no large ones, also where a precision is asked for.
expect 0 "" "$DLGC" layers.dlg --target gpu_mma --precision bf16 -o few.cl
grep -q mma_product few.cl && fail "few.cl multiplies in large tiles"
# Without a precision products go by matrix units in small tiles, if at all.
expect 0 "" "$DLGC" layers.dlg --target gpu_mma -o small.cl
grep -q mma_product small.cl && fail "small.cl multiplies in large tiles"
grep -q 'mma_slice_3xtf32(sums' small.cl || fail "small.cl multiplies in no small tiles"

# Operands of large products are made ready before, each by a launch of its own, or come by copies of f32.
printf 'input a : f32[2048, 2048]\ninput b : f32[2048, 2048]\nentry run -> y = a @ b\n' >large.dlg
for precision in tf32 bf16; do
    expect 0 "" "$DLGC" large.dlg --target gpu_mma --precision $precision -o large.cl
    grep -q "mma_product_ready_$precision(sums" large.cl || fail "large.cl has no operands that are ready"
    [ "$(grep -c '^//! launch' large.cl)" = 3 ] || fail "large.cl has other launches"
done
expect 0 "" "$DLGC" large.dlg --target gpu_mma --precision f32 -o large.cl
grep -q '__local float stages' large.cl || fail "large.cl multiplies in no stages"

# Launches in pairs: the same bits, where they are asked for when the program is compiled and when it runs.
expect 0 "" "$DLGC" layers.dlg --pair -o pair.cl
grep -q '^//! together together0 ' pair.cl || fail "pair.cl has no launches together"
data_of_layers="--data x=x.csv:1:601 --data y=x.csv:0"
if on_processor; then
    expect 0 "weights" "$DLG" train layers.dlg --target cpu --pair $data_of_layers --epochs 3 --seed 1 --save pair.w
    same cpu.w pair.w
    expect 0 "weights" "$DLG" train pair.cl --pair $data_of_layers --epochs 3 --seed 1 --save pair_cl.w
    same cpu.w pair_cl.w
    expect 1 "cpu.cl was compiled without --pair" "$DLG" train cpu.cl --pair $data_of_layers --epochs 1
else
    expect 2 "pairs are for processors" "$DLG" train pair.cl --pair $data_of_layers --epochs 1
fi
expect 2 "only a processor's launches are done in pairs" "$DLGC" layers.dlg --target gpu --pair -o none.cl
# By wgmma, for which the plan says that the text has lines of PTX; C has nobody who would put them into the program.
cat >wide.dlg <<'MODEL'
input x : f32[100, 128, 128]
input w : f32[100, 128, 128]
entry run -> y = relu(x @ w)
MODEL
for precision in 3xtf32 tf32 bf16; do
    expect 0 "" "$DLGC" wide.dlg --target gpu_wgmma --precision $precision -o wide.cl
    grep -q "wgmma_product_$precision(sums" wide.cl || fail "wide.cl does not multiply so"
    grep -q '^//! ptx sm_90a$' wide.cl || fail "wide.cl does not say that it has lines of PTX"
done
sed 's/100/4/' wide.dlg >small.dlg
expect 0 "" "$DLGC" small.dlg --target gpu_wgmma --precision 3xtf32 -o small.cl
grep -q 'mma_slice_3xtf32\|mma_product_3xtf32' small.cl || fail "small.cl does not go by smaller tiles"
grep -q '^//! ptx' small.cl && fail "small.cl says that it has lines of PTX"
expect 0 "" "$DLGC" wide.dlg --target gpu_wgmma --precision 3xtf32 --emit c -o wide.c
grep -q wgmma wide.c && fail "wide.c has lines of PTX"
# There a group may have more local memory than OpenCL gives, by itself and with others in one launch.
cat >long.dlg <<'MODEL'
input x : f32[1024, 256]
input w : f32[1024, 256]
entry run -> y = x' @ w, s = sum(w, axis = 0)
MODEL
expect 0 "" "$DLGC" long.dlg --target gpu_wgmma -o long.cl
grep -q '^//! ptx sm_90a$' long.cl || fail "long.cl does not say that it has lines of PTX"
grep -q '^    wgmma_array(float, places, 18432, 73728);' long.cl || fail "long.cl has no large array"
grep -q '^    wgmma_array(uint4, shared, 4608, 73728);' long.cl || fail "launches of long.cl share no large array"
expect 0 "all 2 are within" "$DLG" verify long.dlg --target gpu_wgmma
expect 0 "" "$DLGC" long.dlg --target gpu_mma -o long.cl
grep -q '^//! ptx\|wgmma_array' long.cl && fail "long.cl has a large array"
expect 0 "all 1 are within" "$DLG" verify wide.dlg --target gpu_wgmma --precision 3xtf32

# What does not wait for another one is launched with it: not what goes by wgmma, which has more memory than other kernels may have.
cat >three.dlg <<'MODEL'
input x : f32[4096, 192]
param a : f32[192, 512] ~ glorot()
param b : f32[192, 512] ~ glorot()
entry run -> y = x @ a, z = x @ b
MODEL
expect 0 "" "$DLGC" three.dlg --target gpu_wgmma -o three.cl
grep -q '^//! ptx' three.cl || fail "three.cl does not go by wgmma"
grep -q '^//! together' three.cl && fail "three.cl launches its products together"
# It is sought behind repeats that are together, too.
cat >behind.dlg <<'MODEL'
input s : f32[64, 300]
input x : f32[2048, 1536]
input z : f32[1536, 1400]
param w : f32[300, 300] ~ normal(0, 0.1)
param v : f32[300, 300] ~ normal(0, 0.1)
h = scan t in 0..20 with h = s { h = tanh(tanh(h @ w) @ v) }
entry first -> h
entry run -> a = sum(x, axis = 1), b = sum(z ** 2, axis = 1)
MODEL
expect 0 "" "$DLGC" behind.dlg --target gpu -o behind.cl
grep -q '^//! together.* free$' behind.cl || fail "behind.cl has no launches that are free"
# More work-items than 32 bits count.
echo 'input x : f32[2147483647] input y : f32[2147483645] input z : f32[2147483643]
entry run -> p = x * 2, q = y * 2, r = z * 2' | sed 's/ input/\ninput/g' >large.dlg
expect 0 "" "$DLGC" large.dlg --target gpu -o large.cl
grep -q 'global 6442450944 local 256' large.cl || fail "large.cl: $(grep launch large.cl)"
expect 0 "" "$DLG" inspect large.cl
sed 's/global 6442450944/global 1099511627776/' large.cl >larger.cl
expect 1 "larger.cl" "$DLG" inspect larger.cl

# A convolution goes by tiles in local memory.
cat >conv.dlg <<'MODEL'
input x : f32[4, 3, 20, 20]
c = conv(x, 24, 5)
entry run -> y = c
MODEL
expect 0 "" "$DLGC" conv.dlg --target gpu -o conv.cl
grep -q '__local float places' conv.cl || fail "conv.cl has no tiles"
expect 0 "" "$DLG" verify conv.dlg --target gpu
done_testing
