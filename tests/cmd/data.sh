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

done_testing
