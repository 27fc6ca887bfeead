#!/bin/sh
# The storage types from the command line: images and labels of u8, weights of f16 and bf16, their files.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$DLG_SOURCE_DIR/samples/digits.csv" "$DLG_SOURCE_DIR/samples/digits.dlg" .

# The pixels and labels as u8: the same numbers as those of f32 and i32, to the last bit.
sed 's/input x : f32/input x : u8/; s/input y : i32/input y : u8/' digits.dlg >small.dlg
grep -c 'input . : u8' small.dlg | grep -qx 2 || fail "the program is not edited"
for name in digits small; do
    expect 0 "" "$DLG" train $name.dlg --epochs 6 --holdout 0.2 --seed 3 --save $name.safetensors
    grep '^epoch' out | sed 's/  [0-9.]*[kM]* samples.*//' >$name.epochs
    expect 0 "" "$DLG" eval $name.dlg --load $name.safetensors --json
    sed 's/"file"[^,]*,//; s/'$name'//g' out >$name.json
    "$DLG" run $name.dlg --load $name.safetensors --entry predict --rows 0:70 --get probs=$name.npy >/dev/null ||
        fail "run $name"
done
same digits.epochs small.epochs
same digits.json small.json
same digits.npy small.npy
[ "$(wc -l <small.epochs)" -eq 6 ] || fail "not six epochs: $(cat small.epochs)"

# Weights of f16 and bf16 train, are saved as such, and come back.
cat >half.dlg <<'DLG'
input x : u8[64, 64]  from "digits.csv" columns 0:64
input y : u8[64]      from "digits.csv" columns 64
param w : f16[64, 128] ~ glorot()
param b : f16[128] = 0
param v : bf16[128, 10] ~ glorot()
state seen : bf16[10] = 0
state count : u8[3] = 250
state scale : f16 = 1
logits = relu(x / 16 @ w + b) @ v * scale
loss = mean(cross_entropy(logits, y))
acc = accuracy(logits, y)
entry predict -> probs = cast(softmax(logits), f16)
entry evaluate -> loss, acc
entry train -> loss, acc, small = cast(loss, bf16) {
    minimize loss by adam(lr = 1e-3)
    seen <- seen * 0.5 + mean(logits, axis = 0)
    count <- cast(count + 1, u8)
}
DLG
expect 0 "" "$DLG" train half.dlg --epochs 30 --holdout 0.2 --seed 3 --save half.safetensors
expect 0 '"acc"' "$DLG" eval half.dlg --load half.safetensors --json
acc=$(sed -n 's/.*"acc": *0*\.\([0-9]\)\([0-9]\).*/\1\2/p' out)
[ "${acc:-0}" -ge 94 ] || fail "an accuracy of 0.$acc: $(cat out)"
for text in '"w":{"dtype":"F16","shape":\[64,128\]' '"v":{"dtype":"BF16"'; do
    head -c 2000 half.safetensors | tr -d '\0' | grep -q "$text" || fail "half.safetensors lacks $text"
done
expect 0 "" "$DLG" run half.dlg --load half.safetensors --entry predict --rows 0:64 --get w=w.npy --get v=v.npy \
    --get count=count.npy --get probs=probs.npy
for file in "w <f2" "v <f4" "count |u1" "probs <f2"; do
    head -c 80 "${file% *}.npy" | tr -d '\0' | grep -q "'descr': '${file#* }'" || fail "$file: $(head -c 80 "${file% *}.npy")"
done
expect 0 "" "$DLG" run half.dlg --load half.safetensors --set w=w.npy --set v=v.npy --entry predict --rows 0:64 \
    --get probs=again.npy --get w=w2.npy
same probs.npy again.npy
same w.npy w2.npy

# A number that the type does not have is refused; a float is rounded.
printf 'entry e -> r = scale, c = n\nstate scale : f16 = 1\nstate n : u8 = 7\n' >one.dlg
expect 0 "r 0.09998" "$DLG" run one.dlg --set scale=0.1
expect 1 "\`scale\` is f16" "$DLG" run one.dlg --set scale=70000
expect 1 "\`n\` is u8" "$DLG" run one.dlg --set n=256
expect 1 "\`n\` is u8" "$DLG" run one.dlg --set n=1.5
sed '5s/^0,/256,/' digits.csv >far.csv
expect 1 "far.csv:5: column 1: 256 is not from 0 to 255, and the input is u8" "$DLG" train small.dlg --data x=far.csv:0:64
sed '7s/^0,0,/0,1.5,/' digits.csv >part.csv
expect 1 "part.csv:7: column 2: 1.5 is not a whole number, and the input is u8" "$DLG" train small.dlg \
    --data x=part.csv:0:64
sed 's/input x : u8/input x : f16/' small.dlg >wide.dlg
sed '3s/^0,/-65520,/' digits.csv >large.csv
expect 1 "large.csv:3: column 1: -65520 is too large for f16" "$DLG" train wide.dlg --data x=large.csv:0:64
expect 1 "is F32 64x128 in the file but F16 64x128 in the program" sh -c \
    "sed 's/param w : f16/param w : f32/; s/param b : f16/param b : f32/' half.dlg >full.dlg
     dlg train full.dlg --steps 1 --quiet --save full.safetensors && dlg eval half.dlg --load full.safetensors"
done_testing
