#!/bin/sh
# The samples through the commands: what they reach, and that the same seed gives the same bits.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
samples=$DLG_SOURCE_DIR/samples
cp "$samples"/*.dlg "$samples"/*.csv .

# A .dlg and the program made of it train to the same bits, and so does the same again.
expect 0 "" "$DLGC" --target "$(device_target)" digits.dlg -o digits.cl
for file in digits.dlg digits.cl; do
    expect 0 "weights: $file.w" "$DLG" train $file --epochs 3 --holdout 0.2 --seed 7 --save $file.w
done
expect 0 "" "$DLG" train digits.cl --epochs 3 --holdout 0.2 --seed 7 --save again.w
same digits.dlg.w digits.cl.w
same digits.dlg.w again.w
expect 0 "359 held-out rows" "$DLG" eval digits.cl --load digits.dlg.w
expect 0 '"flops": ' "$DLG" inspect --json digits.cl
grep -q '"flops": null' out && fail "inspect does not know the operations"

# The program finds its data in the current directory when it lies elsewhere.
mkdir -p elsewhere
expect 0 "" "$DLGC" digits.dlg -o elsewhere/digits.cl
expect 0 "1797 rows" "$DLG" train elsewhere/digits.cl --epochs 1
(cd elsewhere && expect 1 "the data of \`x\` is missing" "$DLG" train digits.cl; [ "$failures" -eq 0 ]) ||
    fail "data that is missing"

# Other batches; predictions of rows that fill no batch.
expect 0 "batches of 100" "$DLG" train digits.dlg -D batch=100 --epochs 1
expect 1 "takes 2000 at a time" "$DLG" train digits.dlg -D batch=2000 --epochs 1
expect 0 "; y 8" "$DLG" run digits.dlg --load again.w --rows 1725:1797 --with y
[ "$(wc -l <out)" -eq 72 ] || fail "not one line a row"

[ -z "${DLG_SANITIZE:-}" ] || done_testing

# below NAME MOST, above NAME LEAST: of what `eval --json` printed.
figure() { sed "s/.*\"$1\": \([0-9.e-]*\).*/\1/" out; }
below() { awk -v x="$(figure "$1")" -v most="$2" 'BEGIN { exit !(x ~ /^[0-9]/ && x + 0 < most) }' || fail "$1 is $(figure "$1"), not below $2"; }
above() { awk -v x="$(figure "$1")" -v least="$2" 'BEGIN { exit !(x ~ /^[0-9]/ && x + 0 > least) }' || fail "$1 is $(figure "$1"), not above $2"; }
# trained MODEL OPTION...: and evaluated.
trained() {
    model=$1
    shift
    expect 0 "weights" "$DLG" train "$model.dlg" "$@" --save "$model.w"
    expect 0 '"rows": ' "$DLG" eval "$model.dlg" --load "$model.w" --json
}

# Regression: the line of least squares, as it was computed exactly; species by their names.
trained linear --steps 3000 --seed 1
below loss 0.0365 # 0.03587 at best
expect 0 "" "$DLG" run linear.dlg --entry line --load linear.w
awk 'function near(x, want) { return x > want - 0.05 && x < want + 0.05 }
    /^w / { good = near($2, -0.2073) && near($3, 0.2228) && near($4, 0.5241) }
    /^b / { good = good && near($2, -0.2403) }
    END { exit !good }' out || fail "the line: $(cat out)"
trained logistic --epochs 200 --holdout 0.2 --seed 1
above acc 0.93
grep -q '"setosa.*versicolor.*virginica' logistic.w || fail "the species have no names in the weights"

# What an autoencoder keeps; principal components leave 0.024. What a variational one draws depends on the seed.
trained autoencoder --epochs 30 --holdout 0.2
below loss 0.02
trained vae --epochs 30 --holdout 0.2
below loss 27
for seed in 1 2; do
    expect 0 "  7: " "$DLG" run vae.dlg --entry draw --load vae.w --seed $seed
    mv out drawn$seed
done
expect 0 "" "$DLG" run vae.dlg --entry draw --load vae.w --seed 2
same out drawn2
cmp -s drawn1 drawn2 && fail "the seed does not matter to what is drawn"

# Values that are missing in a table; the means of the columns leave 18.8.
awk -F, '{ for (i = 1; i <= 64; i++) print NR - 1 "," i - 1 "," $i }' digits.csv >ratings.csv
trained matrix_factorisation --epochs 6 --holdout 0.2
below error 13

# Words of the project's own pages: what is near what is asked is no word twice, nor itself.
cat "$DLG_SOURCE_DIR"/docs/[a-l]*.md >text
expect 0 "300 words" sh "$samples/word_vectors.sh" count text 300
expect 0 "weights" "$DLG" train word_vectors.dlg -D words=300 --epochs 20 --save words.w
awk '/^epoch 20/ { sub(/,/, "", $4); exit !($4 > 0 && $4 < 0.1) }' out || fail "word_vectors: $(cat out)"
expect 0 "" sh "$samples/word_vectors.sh" near weights words.w
tr ' ' '\n' <out | sort -u | grep -cvx weights >count
[ "$(cat count)" -eq 5 ] || fail "near \`weights\`: $(cat out)"
expect 1 "\`Weights\` is not in words.txt" sh "$samples/word_vectors.sh" near Weights words.w

# A differential equation, solved by training on it alone: of an error of 1 at the start.
for seed in 1 2 3; do
    expect 0 "3000 steps" "$DLG" train pinn.dlg --steps 3000 --seed $seed --save pinn.w
    expect 0 "error" "$DLG" run pinn.dlg --entry evaluate --load pinn.w
    awk '/^error/ { found = 1; if ($2 > 0.005) exit 1 } END { if (!found) exit 1 }' out || fail "pinn.dlg, seed $seed: $(cat out)"
done

# A convolutional network with batch normalisation and dropout, as the mean of two seeds.
for seed in 1 2; do
    expect 0 "weights" "$DLG" train convnet.dlg --epochs 30 --holdout 0.2 --seed $seed --save conv.w
    expect 0 '"rows": 359' "$DLG" eval convnet.dlg --load conv.w --json
    sed 's/.*"acc": \([0-9.e-]*\).*/\1/' out >>conv_accuracies
done
awk '{ sum += $1 } END { print "convnet:", sum / NR; exit !(NR == 2 && sum / NR >= 0.975) }' conv_accuracies ||
    fail "the convolutional network"

# Accuracy on held-out rows as the mean of five seeds.
for seed in 1 2 3 4 5; do
    expect 0 "weights" "$DLG" train digits.dlg --epochs 60 --holdout 0.2 --seed $seed --save seed.w
    expect 0 '"rows": 359' "$DLG" eval digits.dlg --load seed.w --json
    sed 's/.*"acc": \([0-9.e-]*\).*/\1/' out >>accuracies
done
awk '{ sum += $1 } END { print "accuracy:", sum / NR; exit !(NR == 5 && sum / NR >= 0.97) }' accuracies ||
    fail "the accuracy is too low: $(tr '\n' ' ' <accuracies)"

# xor: every seed of ten is learned, and every row rounds right.
for seed in 0 1 2 3 4 5 6 7 8 9; do
    expect 0 "weights" "$DLG" train xor.dlg --epochs 2000 --seed $seed --save xor.w
    expect 0 '"rows": 4' "$DLG" eval xor.dlg --load xor.w --json
    sed 's/.*"loss": \([0-9.e-]*\).*/\1/' out >>losses
    expect 0 "row 3:" "$DLG" run xor.dlg --load xor.w --rows 0:4 --with y
    awk '{ sub(/;/, "", $4); if (int($4 + 0.5) == $6) right++ } END { exit right != 4 }' out ||
        fail "xor with seed $seed: $(cat out)"
done
awk '$1 >= 0.01 { bad = 1 } END { exit bad || NR != 10 }' losses || fail "xor: $(tr '\n' ' ' <losses)"

# The same model by the other optimizers.
for optimizer in "sgd(lr = 1.0)" "adagrad(lr = 0.2)" "rmsprop(lr = 0.01)"; do
    sed "s/adam(lr = 0.05)/$optimizer/" xor.dlg >other.dlg
    grep -qF "$optimizer" other.dlg || fail "xor.dlg does not name its optimizer as expected"
    expect 0 "weights" "$DLG" train other.dlg --epochs 8000 --seed 1 --save other.w
    expect 0 '"rows": 4' "$DLG" eval other.dlg --load other.w --json
    sed 's/.*"loss": \([0-9.e-]*\).*/\1/' out >loss
    awk '$1 >= 0.01 { exit 1 }' loss || fail "xor by $optimizer: a loss of $(cat loss)"
done
done_testing
