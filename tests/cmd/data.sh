#!/bin/sh
# Data of every kind through the commands; shared/data beside the project is used where it is there.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
samples=$DLG_SOURCE_DIR/samples
cp "$samples"/digits.dlg "$samples"/digits.csv .

# A compressed table is the table: the weights are the same, and so is what they say of their data.
gzip -9 -c digits.csv >small.csv.gz
expect 0 "digits.csv: 1797 rows" "$DLG" train digits.dlg --epochs 1 --holdout 0.2 --save plain.w
expect 0 "small.csv.gz: 1797 rows" "$DLG" train digits.dlg --epochs 1 --holdout 0.2 --save packed.w \
    --data x=small.csv.gz:0:64 --data y=small.csv.gz:64
same plain.w packed.w
head -c 9999 small.csv.gz >cut.csv.gz
expect 1 "cut.csv.gz: is truncated" "$DLG" train digits.dlg --epochs 1 --data x=cut.csv.gz
cp digits.csv not.csv.gz
expect 1 "not.csv.gz: is not compressed by gzip" "$DLG" train digits.dlg --epochs 1 --data x=not.csv.gz
expect 1 "that is data of this run: it is not overwritten" "$DLG" train digits.dlg --epochs 1 \
    --data x=small.csv.gz:0:64 --save small.csv.gz

# IDX: as many samples of 28 x 28 bytes as there are labels, of any content.
cp "$samples"/mnist.dlg .
mkdir mnist
{ printf '\000\000\010\003\000\000\000\144\000\000\000\034\000\000\000\034' && head -c 78400 digits.csv; } >images
{ printf '\000\000\010\001\000\000\000\144' && head -c 100 /dev/zero; } >labels
gzip -c images >mnist/train-images-idx3-ubyte.gz
gzip -c labels >mnist/train-labels-idx1-ubyte.gz
expect 0 "mnist/train-images-idx3-ubyte.gz: 100 rows" "$DLG" train mnist.dlg --epochs 3 --save mnist.w
grep -q 'acc 1 ' out || fail "labels that are all 0 are not learned: $(cat out)"
cp images plain-idx3-ubyte
cp labels plain-idx1-ubyte
expect 0 "" "$DLG" eval mnist.dlg --load mnist.w
cp out packed
expect 0 "" "$DLG" eval mnist.dlg --load mnist.w --data x=plain-idx3-ubyte --data y=plain-idx1-ubyte
same out packed
# By a name that does not say so it is taken for a table; what it is instead is told.
expect 1 "labels: it begins as an IDX file does" "$DLG" eval mnist.dlg --load mnist.w --data y=labels
gzip -c labels >labels.packed
expect 1 "labels.packed: it is compressed" "$DLG" eval mnist.dlg --load mnist.w --data y=labels.packed
head -c 78000 images >short-idx3-ubyte
expect 1 "short-idx3-ubyte: is truncated" "$DLG" eval mnist.dlg --load mnist.w --data x=short-idx3-ubyte
head -c 78416 digits.csv >wrong-idx3-ubyte
expect 1 "wrong-idx3-ubyte: is not an IDX file" "$DLG" eval mnist.dlg --load mnist.w --data x=wrong-idx3-ubyte
expect 1 "its samples are single numbers; a sample of \`x\` has 784 numbers" \
    "$DLG" eval mnist.dlg --load mnist.w --data x=plain-idx1-ubyte

# The real files, where they are.
mnist=$DLG_SOURCE_DIR/../shared/data/mnist10k
if [ -r "$mnist/train-images-idx3-ubyte.gz" ]; then
    cp "$mnist"/*.gz mnist
    expect 0 "mnist/train-images-idx3-ubyte.gz: 10000 rows" "$DLG" train mnist.dlg --steps 200 --save mnist.w
    expect 0 '"rows": 10000' "$DLG" eval mnist.dlg --load mnist.w --json \
        --data x=mnist/t10k-images-idx3-ubyte.gz --data y=mnist/t10k-labels-idx1-ubyte.gz
    sed 's/.*"acc": \([0-9.e-]*\).*/\1/' out >accuracy
    awk '$1 < 0.88 { exit 1 }' accuracy || fail "mnist: an accuracy of $(cat accuracy) after 200 steps"
fi

# Columns by name, and classes by name: the labels stay with the weights.
cat >iris.csv <<'TABLE'
id,species,petal width,"petal length, cm"
1,setosa,0.2,1.4
2,virginica,2.1,5.8
3,setosa,0.1,1.5
4,versicolor,1.2,4.1
5,virginica,2.3,6.0
6,versicolor,1.3,4.3
TABLE
cat >iris.dlg <<'MODEL'
const batch = 6
input x : f32[batch, 2] from "iris.csv" columns 2:4
input y : u8[batch]     from "iris.csv" columns 1
logits = dense(x, 3)
loss   = mean(cross_entropy(logits, y))
entry predict  -> probs = softmax(logits)
entry evaluate -> loss
entry train    -> loss { minimize loss by adam(lr = 0.1) }
MODEL
columns='x=iris.csv:"petal length, cm",petal width'
expect 0 "6 rows after a header, and the 3 labels of \`y\` are setosa, versicolor, virginica" \
    "$DLG" train iris.dlg --epochs 300 --save iris.w --data "$columns" --data y=iris.csv:species
expect 0 'labels.y":"[\"setosa\",\"versicolor\",\"virginica\"]"' head -n 1 iris.w
expect 0 "(largest: 2 virginica); y virginica" "$DLG" run iris.dlg --load iris.w --rows 4 --with y --data "$columns" --data y=iris.csv:species
"$DLG" run iris.dlg --load iris.w --rows 4 --with y --with y --data "$columns" --data y=iris.csv:species >twice
same twice out # shown once
expect 0 "(largest: 1 versicolor); y versicolor" "$DLG" run iris.dlg --load iris.w --rows 5 --with y --data "$columns" --data y=iris.csv:1
printf 'a,b,c\n1.5,0.2,versicolor\n4.2,1.2,virginica\n' >fewer.csv
expect 0 "; y virginica" "$DLG" run iris.dlg --load iris.w --rows 1 --with y --data x=fewer.csv:a,b --data y=fewer.csv:c
expect 0 "; y versicolor" "$DLG" run iris.dlg --load iris.w --rows 0 --with y --data x=fewer.csv:0:2 --data y=fewer.csv:2
sed 's/virginica/rose/' fewer.csv >other.csv
expect 1 "other.csv:3: column 3: \`rose\` is not among the labels of the weights" \
    "$DLG" run iris.dlg --load iris.w --rows 1 --with y --data x=other.csv:a,b --data y=other.csv:c
expect 1 "iris.csv:1: the header has no column \`1-4\`; columns 0 to 63 are written 0:64" "$DLG" train iris.dlg \
    --data x=iris.csv:1-4 --data y=iris.csv:species
expect 1 "iris.csv:1: the header has no column \`colour\`; it has: " "$DLG" train iris.dlg --data x=iris.csv:colour,id --data y=iris.csv:species
expect 1 "1 column is named for \`x\`" "$DLG" train iris.dlg --data x=iris.csv:id --data y=iris.csv:species
expect 1 "that is data of this run" "$DLG" train iris.dlg --data "$columns" --data y=iris.csv:species --save iris.csv
sed 's/2.3/nan/' iris.csv >nan.csv
expect 1 "nan.csv:6: column 3: \`nan\` is not a number" \
    "$DLG" train iris.dlg --data "x=nan.csv:id,petal width" --data y=iris.csv:species

# A column of labels that another input takes numbers of.
printf '1,2,blue\n2,1,red\n' >mixed.csv
cat >mixed.dlg <<'MODEL'
input x : f32[2, 2] from "mixed.csv" columns 1:3
input y : i32[2] from "mixed.csv" columns 2
loss = mean(cross_entropy(dense(x, 2), y))
entry train -> loss { minimize loss by sgd(lr = 0.1) }
MODEL
expect 1 "mixed.csv:1: column 3: \`blue\` is not a number" "$DLG" train mixed.dlg

# Archives: the array with the input's name, or the one that is named, by the model or on the command line.
cp "$data/two.npz" .
cat >two.dlg <<'MODEL'
input x : f32[1, 3] from "two.npz"
input y : i32[1]    from "two.npz:y"
entry predict -> sums = sum(x, axis = 1), z = y * 2
MODEL
expect 0 "row 1:  sums 12; z -16" "$DLG" run two.dlg --rows 0:2
expect 0 "row 0:  sums 3; z 14" "$DLG" run two.dlg --rows 0:2 --data x=two.npz:x
expect 1 "two.npz: has no array \`z\`; it has: x, y" "$DLG" run two.dlg --rows 0:2 --data x=two.npz:z
expect 1 "two.npz: its shape is 2; \`x\` takes Nx3" "$DLG" run two.dlg --rows 0:2 --data x=two.npz:y
printf 'input w : f32[2, 3]\nentry predict -> s = sum(w)\n' >whole.dlg
expect 0 "s 15" "$DLG" run whole.dlg --set w=two.npz:x
expect 1 "has no array \`w\`; it has: x, y; say which" "$DLG" run whole.dlg --set w=two.npz
expect 1 "that is data of the model: it is not overwritten" "$DLG" run two.dlg --rows 0:2 --get z=two.npz

# Tensors of safetensors files, written here with types that weights do not have: x F64, y U16, z F16, all of two rows.
tensors() { # tensors HEADER: pads it to 240 bytes, in front of x = 1 2 3, 4 5 6.5; y = 7, 515; z = 1, -2
    printf '\360\000\000\000\000\000\000\000%-240s' "$1"
    for high in '\360\077' '\000\100' '\010\100' '\020\100' '\024\100' '\032\100'; do
        printf "\\000\\000\\000\\000\\000\\000$high"
    done
    printf '\007\000\003\002\000\074\000\300'
}
x='"x":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]}'
y='"y":{"dtype":"U16","shape":[2],"data_offsets":[48,52]}'
tensors "{$x,$y,\"z\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[52,56]}}" >two.safetensors
expect 0 "row 1:  sums 15.5; z 1030" "$DLG" run two.dlg --rows 0:2 --data x=two.safetensors:x --data y=two.safetensors
expect 0 "row 1:  sums 15.5; z -4" "$DLG" run two.dlg --rows 0:2 --data x=two.safetensors --data y=two.safetensors:z
sed 's/f32/i32/; s/y \* 2/y/' two.dlg >whole_x.dlg
expect 1 "two.safetensors: row 1: element 2 of the sample is not a whole number that fits i32" \
    "$DLG" run whole_x.dlg --rows 0:1 --data x=two.safetensors:x
expect 0 "s 21.5" "$DLG" run whole.dlg --set w=two.safetensors:x
# Of a file that is not there nothing else is said, whatever its columns would be.
for columns in '' :0:1 :7 :a,b; do
    expect 1 "cannot open missing.csv: No such file or directory" "$DLG" run two.dlg --rows 0:2 --data x=missing.csv$columns
done
expect 1 "has no tensor \`w\`; it has: x, y, z; say which" "$DLG" run whole.dlg --set w=two.safetensors
expect 1 "two.safetensors: has no tensor \`v\`; it has: x, y, z" "$DLG" run two.dlg --rows 0:2 --data x=two.safetensors:v
sed 's/"two.npz"/"two.safetensors:x"/; s/two.npz:y/two.safetensors:y/' two.dlg >tensors.dlg
expect 0 "row 0:  sums 6; z 14" "$DLG" run tensors.dlg --rows 0:2
head -c 299 two.safetensors >cut.safetensors
expect 1 "cut.safetensors: \`y\` lies beyond the end" "$DLG" run two.dlg --rows 0:2 --data y=cut.safetensors:y
expect 1 "cut.safetensors: \`y\` lies beyond the end" "$DLG" run two.dlg --rows 0:2 --data x=cut.safetensors:x
tensors '{"x":{"dtype":"F64","shape":[2,3],"data_offsets":[0,40]}}' >bad.safetensors
expect 1 "bad.safetensors: has 40 bytes of data where its header promises 48" \
    "$DLG" run two.dlg --rows 0:2 --data x=bad.safetensors
tensors '{"x":{"dtype":"F8_E5M2","shape":[2,3],"data_offsets":[0,6]}}' >bad.safetensors
expect 1 "are of type F8_E5M2, which is not read" "$DLG" run two.dlg --rows 0:2 --data x=bad.safetensors
printf 'not one' >bad.safetensors
expect 1 "shorter than 8 bytes" "$DLG" run two.dlg --rows 0:2 --data x=bad.safetensors

# Text: windows of 17 characters; the vocabulary stays with the weights, and the end is what is held out.
cp "$samples"/char_rnn.dlg .
small="-D batch=16 -D T=16 -D hidden=8 -D chars=12"
head -c 20001 digits.csv >input.txt
# shellcheck disable=SC2086 # a list of words
{
    expect 0 "input.txt: 20001 characters, 12 different: 1250 windows of 17; 1124 to train on, 125 held out" \
        "$DLG" train char_rnn.dlg $small --epochs 2 --holdout 0.1 --save rnn.w
    awk '/^epoch 2/ { gsub(/,/, ""); exit !($4 < 2) }' out || fail "nothing is learned of the text: $(cat out)"
    sed -n 's/^epoch 2.*held out: \(loss [0-9.]*\).*/\1/p' out >trained
    expect 0 "on 125 held-out rows" "$DLG" eval char_rnn.dlg $small --load rnn.w
    grep -qF "$(cat trained)" out || fail "the evaluation differs from the training's: $(cat trained) $(cat out)"
    expect 0 "vocabulary.s" cat rnn.w
    gzip -c input.txt >packed.txt.gz
    expect 0 "on 125 held-out rows" "$DLG" eval char_rnn.dlg $small --load rnn.w --data s=packed.txt.gz:chars
    printf '0,0,1,2,1,2,3,1,0,1,2,3,4' >other.txt
    tr '01234' '56789' <other.txt >fewer.txt
    expect 0 "on 1 rows: all, for the data is not that of the training run" \
        "$DLG" eval char_rnn.dlg $small --load rnn.w --data s=fewer.txt
    expect 0 "row 0:  s 7 1 7 1 8 1 9 1 8 1 9 1 10 1 8 1 7" "$DLG" run char_rnn.dlg $small --entry evaluate --load rnn.w \
        --data s=fewer.txt --rows 0 --with s
    printf 'No table.\n\nThis is none.\n' >prose.txt
    printf 'input s : i32[2, 4] from "prose.txt"\nparam w : f32[9] = 0\nloss = sum(w[s])\nentry train -> loss { minimize loss by sgd() }\n' >prose.dlg
    expect 1 "the characters of a text are \`from \"prose.txt\" chars\` in the model" "$DLG" train prose.dlg
    mkdir within && cp prose.* within
    expect 1 "the characters of a text are" "$DLG" train within/prose.dlg
    # Not where another file is what is wrong.
    printf '1,2,cat,4\n' >cat.csv
    expect 1 "cat.csv" "$DLG" train prose.dlg --data s=cat.csv
    grep -q "characters of a text" err && fail "what --data replaced is named"
    sed 's/^param/input x : f32[2, 4] from "cat.csv"\nparam/; s/sum(w\[s\])/sum(w[s]) + sum(x)/' prose.dlg >prose_more.dlg
    printf '1,2,3,4\n5,6,7,8\n' >prose.txt
    expect 1 "cat.csv" "$DLG" train prose_more.dlg
    grep -q "characters of a text" err && fail "another text is named"
    printf '0,0,1,2,1,2,3,1,x' >unknown.txt
    expect 1 "unknown.txt:1: byte 16 of the file: \`x\`, U+0078 is not in the vocabulary of the weights" \
        "$DLG" eval char_rnn.dlg $small --load rnn.w --data s=unknown.txt
    expect 1 "unknown.txt: has 17 bytes, and a sample of \`s\` is a window of 18" "$DLG" eval char_rnn.dlg ${small%T=16*}T=17 -D hidden=8 -D chars=12 --load rnn.w --data s=unknown.txt:bytes
    printf 'caf\351' >latin.txt
    expect 1 "latin.txt:1: byte 3 of the file: it is not UTF-8" "$DLG" train char_rnn.dlg $small --data s=latin.txt
    expect 1 "that is data of this run" "$DLG" train char_rnn.dlg $small --data s=latin.txt:bytes --save latin.txt
}

# A pipe is opened once and read to its end: what writes into it loses no reader.
cp "$DLG_SOURCE_DIR/samples/digits.dlg" "$DLG_SOURCE_DIR/samples/digits.csv" .
mkfifo pipe.csv
cat digits.csv >pipe.csv &
writer=$!
expect 0 "pipe.csv: 1797 rows" timeout 300 "$DLG" train digits.dlg --steps 1 --data x=pipe.csv:0:64 --save piped
wait $writer || fail "the pipe was closed too early"
expect 0 "" "$DLG" train digits.dlg --steps 1 --save read
"$DLG" run digits.dlg --entry predict --rows 0 --load piped >from_pipe
"$DLG" run digits.dlg --entry predict --rows 0 --load read >from_file
same from_pipe from_file

# The model as it is, on Shakespeare's plays, where they are: building its kernels takes most of the time.
plays=$DLG_SOURCE_DIR/../shared/data/tinyshakespeare/input.txt
if [ -r "$plays" ] && [ -z "${DLG_SANITIZE:-}" ]; then
    cp "$plays" input.txt
    expect 0 "1115394 characters, 65 different: 17428 windows of 65 and 1 left over" \
        "$DLG" train char_rnn.dlg --steps 20 --save rnn.w
    awk '/^epoch 1/ { gsub(/,/, ""); exit !($4 < 4) }' out || fail "char_rnn: $(cat out)"
fi

done_testing
