#!/bin/sh
# dlg tune: tiles are remembered by contraction and device, taken from then on, and change no bit.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
[ -z "${DLG_SANITIZE:-}" ] || exit 77
long=entry_whose_name_is_longer_than_the_sixty_three_characters_that_fitted_once
cat >layers.dlg <<MODEL
const batch = 48
input x : f32[batch, 70]
input y : i32[batch]
a = tanh(dense(x, 130))
b = dense(a, 7)
loss = mean(cross_entropy(b, y))
entry train -> loss { minimize loss by sgd(lr = 0.1) }
entry predict -> p = softmax(b)
c = dense(x, 99)
entry $long -> p = softmax(c)
MODEL
awk 'BEGIN { for (i = 0; i < 96; i++) { line = i % 7; for (k = 0; k < 70; k++) line = line "," (i * 37 + k * k * 11) % 101 / 50 - 1; print line } }' >x.csv
train() { expect 0 "weights" "$DLG" train layers.dlg --target cpu --data x=x.csv:1:71 --data y=x.csv:0 --epochs 3 --save "$1"; }
train before.w
expect 0 "tiles 5 of 5 for" "$DLG" tune layers.dlg --target cpu
device=$(device_key)
if grep -q "^remembered in" out; then
    grep -qF "\"$device\": {" tiles.json || fail "nothing is remembered of $device: $(cat tiles.json)"
else
    [ ! -f tiles.json ] || fail "something is remembered that is not faster"
    grep -q ": none is kept, and what is remembered stays as it is$" out || fail "what became of them: $(cat out)"
fi
expect 0 "" "$DLG" tune layers.dlg --target cpu --entry predict --quiet
grep -q "tiles 1 of" out && fail "--quiet shows progress"
expect 0 "for 1 contractions" "$DLG" tune layers.dlg --target cpu --entry $long
# Whatever was faster: other tiles of every contraction give the same weights. The names are those of the compiler.
for tile in 4x16 6x48 "8x32 panels"; do
    cat >tiles.json <<JSON
{"dlg_tiles": 1, "devices": {"$device": {
  "cpu 48x130 by 70 in a chain": "$tile", "cpu 8x130 by 70 in a chain": "$tile", "cpu 48x130 by 70": "$tile",
  "cpu 70x130 by 48 down": "$tile", "cpu 130x7 by 48 down": "$tile"}}}
JSON
    train after.w
    same before.w after.w
done
# What is of other devices stays.
cat >tiles.json <<'JSON'
{"dlg_tiles": 1, "devices": {"another, driver 1": {"cpu 1x1 by 1": "1x16"}}}
JSON
cp tiles.json others.json
expect 0 "" "$DLG" tune layers.dlg --target cpu --quiet
grep -q '"another, driver 1"' tiles.json || fail "another device's tiles are gone"
grep -q "^remembered in" out || same tiles.json others.json
# Files that are none.
printf '{"dlg_tiles": 1, "devices": {"a": ' >tiles.json
expect 0 "line 1" "$DLG" train layers.dlg --target cpu --data x=x.csv:1:71 --data y=x.csv:0 --epochs 1
expect 0 "the compiler's tiles are taken" "$DLG" train layers.dlg --target cpu --data x=x.csv:1:71 --data y=x.csv:0 --epochs 1
cp tiles.json damaged.json
expect 1 "tiles.json" "$DLG" tune layers.dlg --target cpu --quiet
same tiles.json damaged.json
echo '{"dlg_tiles": 7, "devices": {}}' >tiles.json
expect 1 "not a file of remembered tiles" "$DLG" tune layers.dlg --target cpu --quiet
# A device of which no object is told, what is no file or too large, and places where nothing can be written: before anything runs.
echo "{\"dlg_tiles\": 1, \"devices\": {\"$device\": 7}}" >tiles.json
expect 0 "is no object" "$DLG" train layers.dlg --target cpu --data x=x.csv:1:71 --data y=x.csv:0 --epochs 1
head -c 4194305 /dev/zero >large.json
mkfifo pipe.json
tune_into() {
    DLG_TILES=$2 expect "$1" "$3" "$DLG" tune layers.dlg --target cpu
    grep -q "tiles 1 of" out && fail "$2 is told after measuring"
}
tune_into 1 tiles.json "is no object"
tune_into 1 large.json "has more than 4 MB"
tune_into 1 pipe.json "is no regular file"
tune_into 1 . "is no regular file"
tune_into 1 layers.dlg/tiles.json "Not a directory"
tune_into 3 /proc/none/tiles.json "cannot make the directory /proc/none"
tune_into 3 /proc/tiles.json "cannot write /proc/tiles.json"
rm tiles.json
expect 2 "no target" "$DLG" tune layers.dlg --target none
expect 1 "has no entry \`none\`; it has: " "$DLG" tune layers.dlg --target cpu --entry none
expect 1 "is no .dlg" "$DLG" tune layers.cl

# Tiles of graphics processors. Their products are done elsewhere too; with PoCL by one thread, since version 3.1 leaves an array in
# local memory to all its threads where a kernel hands it to a large function.
export POCL_MAX_PTHREAD_COUNT=1
export DLG_REFUSE_ITEMS=none DLG_REFUSE_TEXT="no such text"
refusing() { LD_PRELOAD=$DLG_BUILD_DIR/tests/librefuse.so "$@"; }
cat >product.dlg <<'MODEL'
param a : f32[1024, 36] ~ normal(0, 1)
param b : f32[36, 1152] ~ normal(0, 1)
entry run -> y = tanh(a @ b)
MODEL
printf 'param a : f32[20, 36] ~ normal(0, 1)\nparam b : f32[36, 30] ~ normal(0, 1)\nentry run -> y = a @ b\n' >few.dlg
units="--target gpu_mma --precision bf16"
product="gpu_mma 1024x1152 by 36 bf16"
compute() { expect 0 "" "$DLG" run product.dlg $units --entry run --get y="$1" --quiet; }
compute before.npy
expect 0 "has no contraction with tiles to choose of" "$DLG" tune few.dlg $units
expect 0 "tiles 2 of 2 for 1 contractions" refusing "$DLG" tune product.dlg $units
grep -q "do not run here" err && fail "tiles are refused: $(cat err)"
if grep -q "^remembered in" out; then
    grep -qF "\"$product\": \"64x128\"" tiles.json || fail "$product is not remembered: $(cat tiles.json)"
    rm tiles.json
fi
# A tile that does not launch, by its number of work-items, and one that does not build, by its number of sums.
none_is_chosen() {
    expect 0 "these tiles do not run here" refusing "$DLG" tune product.dlg $units --quiet
    grep -q "^no other tile is faster than the compiler's: none is kept" out || fail "what does not run is chosen: $(cat out)"
    [ ! -f tiles.json ] || fail "what does not run is remembered: $(cat tiles.json)"
}
DLG_REFUSE_ITEMS=$((144 * 256)) none_is_chosen
DLG_REFUSE_TEXT="float sums[32]" none_is_chosen
# What is remembered is taken from then on, and changes no bit.
remember() { echo "{\"dlg_tiles\": 1, \"devices\": {\"$device\": {\"$product\": \"$1\"}}}" >tiles.json; }
remember 64x128
compute after.npy
same before.npy after.npy
DLG_REFUSE_ITEMS=$((144 * 256)) expect 3 "cannot launch the kernel k0" refusing "$DLG" run product.dlg $units --entry run --quiet
remember 128x128
DLG_REFUSE_ITEMS=$((144 * 256)) expect 0 "" refusing "$DLG" run product.dlg $units --entry run --quiet
done_testing
