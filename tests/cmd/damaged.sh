#!/bin/sh
# Programs, weights and tables that are damaged are refused in words, and files that are there stay.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
line=$data/line.cl
train="dlg train line.cl --set rate=0.3 --epochs 2 --save w.safetensors"
cp "$data/line.csv" .
cp "$line" line.cl
expect 0 "weights: w.safetensors" $train
cp w.safetensors good.safetensors

# refused STATUS COMMAND...: a complaint of ours, and the weights that were there are untouched.
refused() {
    want=$1
    shift
    expect "$want" "dlg: " "$@"
    same w.safetensors good.safetensors
}

# The program, cut at many places and with its plan altered.
size=$(wc -c <"$line")
at=0
while [ "$at" -lt "$size" ]; do
    head -c "$at" "$line" >line.cl
    refused 1 $train
    at=$((at + 211))
done
sed 's/arena 128/arena 64/' "$line" >line.cl
refused 1 $train
sed 's/x f32 4x2/x f32 5x2/' "$line" >line.cl
refused 1 $train
sed '/entry train/d' "$line" >line.cl
refused 1 $train
sed 's/^\/\/! dlg 1/\/\/! dlg 2/' "$line" >line.cl
refused 1 $train
sed 's/__kernel void learn/__kernel void teach/' "$line" >line.cl
refused 1 $train
sed 's/float d0 = 0.0f/float d0 = nonsense/' "$line" >line.cl
refused 1 $train
cp "$line" line.cl

# Tables.
for damage in 's/$/,/' '5s/,.*//' '3s/[0-9]/x/' '7s/^[^,]*/nan/' '4s/,2,1$/,2.5,1/' '2s/^/"/' '1,$d' '2,$d'; do
    sed "$damage" "$data/line.csv" >line.csv
    cmp -s line.csv "$data/line.csv" && fail "no damage: $damage"
    case $damage in
    's/$/,/') ;; # one more, empty, column does not matter
    *) refused 1 $train ;;
    esac
done
rm line.csv
refused 1 $train
mkdir line.csv
refused 1 $train
rmdir line.csv
cp "$data/line.csv" .

# Weights: cut, and with each byte of the header's beginning changed.
size=$(wc -c <good.safetensors)
at=0
while [ "$at" -lt "$size" ]; do
    head -c "$at" good.safetensors >bad.safetensors
    refused 1 $train --load bad.safetensors
    refused 1 "$DLG" eval line.cl --load bad.safetensors
    at=$((at + 61))
done
for damage in 's/"F32"/"F64"/' 's/"shape":\[2\]/"shape":[3]/' 's/"w":/"v":/' 's/"b":/"w":/' \
    's/\[0,8\]/[0,9]/' 's/\[8,12\]/[4,8]/' 's/}}/}]/' 's/data_offsets/data_offzets/'; do
    sed "$damage" good.safetensors >bad.safetensors
    cmp -s bad.safetensors good.safetensors && fail "no damage: $damage"
    refused 1 "$DLG" eval line.cl --load bad.safetensors
done
# A bit of the values.
head -c $((size - 1)) good.safetensors >bad.safetensors
tail -c 1 good.safetensors | tr '\000-\377' '\001-\377\000' >>bad.safetensors
refused 1 $train --load bad.safetensors
grep -q "dlg: bad.safetensors: what it holds is not what was written, by its checksum: it is damaged" err || fail "$(cat err)"
sed 's/dlg_checksum/own_checksum/' bad.safetensors >edited.safetensors # without a checksum it is as it is
expect 0 "" "$DLG" eval line.cl --load edited.safetensors
refused 1 "$DLG" eval line.cl --load missing.safetensors
refused 1 "$DLG" eval line.cl --load "$data/xor.cl"

# Where nothing can be written, it says so before the training.
refused 1 "$DLG" train line.cl --set rate=0.3 --epochs 100000000 --save no/such/place.safetensors
refused 1 "$DLG" train line.cl --set rate=0.3 --epochs 100000000 --log no/such/log.jsonl
ls | grep -q tmp && fail "temporary files are left: $(ls)"
done_testing
