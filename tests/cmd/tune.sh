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
[ -f tiles.json ] || fail "nothing is remembered"
expect 0 "" "$DLG" tune layers.dlg --target cpu --entry predict --quiet
grep -q "tiles 1 of" out && fail "--quiet shows progress"
expect 0 "for 1 contractions" "$DLG" tune layers.dlg --target cpu --entry $long
# Whatever was faster: every other tile of every contraction gives the same weights. The names are those of the compiler.
device=$(python3 -c 'import json; print(list(json.load(open("tiles.json"))["devices"])[0])') || fail "tiles.json cannot be read"
for tile in 4x16 8x32 6x48 "8x32 panels" 16x16 1x16; do
    cat >tiles.json <<JSON
{"dlg_tiles": 1, "devices": {"$device": {
  "cpu 48x130 by 70 in a chain": "$tile", "cpu 8x130 by 70 in a chain": "$tile", "cpu 48x130 by 70": "$tile",
  "cpu 70x130 by 48 down": "$tile", "cpu 130x7 by 48 down": "$tile"}}}
JSON
    train after.w
    same before.w after.w
done
# What was remembered and is not faster is forgotten, and what is of other devices stays.
cat >tiles.json <<'JSON'
{"dlg_tiles": 1, "devices": {"another, driver 1": {"cpu 1x1 by 1": "1x16"}}}
JSON
expect 0 "" "$DLG" tune layers.dlg --target cpu --quiet
grep -q '"another, driver 1"' tiles.json || fail "another device's tiles are gone"
# Files that are none.
printf '{"dlg_tiles": 1, "devices": {"a": ' >tiles.json
expect 0 "line 1" "$DLG" train layers.dlg --target cpu --data x=x.csv:1:71 --data y=x.csv:0 --epochs 1
expect 0 "the compiler's tiles are taken" "$DLG" train layers.dlg --target cpu --data x=x.csv:1:71 --data y=x.csv:0 --epochs 1
cp tiles.json damaged.json
expect 1 "tiles.json" "$DLG" tune layers.dlg --target cpu --quiet
same tiles.json damaged.json
echo '{"dlg_tiles": 7, "devices": {}}' >tiles.json
expect 1 "not a file of remembered tiles" "$DLG" tune layers.dlg --target cpu --quiet
rm tiles.json
expect 2 "no target" "$DLG" tune layers.dlg --target none
expect 1 "has no entry" "$DLG" tune layers.dlg --entry none
expect 1 "is no .dlg" "$DLG" tune layers.cl
done_testing
