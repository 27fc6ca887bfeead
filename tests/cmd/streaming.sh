#!/bin/sh
# Data that is more than --data-memory allows is read from files batch by batch: with the same bits as from memory.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
samples=$DLG_SOURCE_DIR/samples
cp "$samples"/digits.csv .
said="batches are read from the files"

# A small model of the digits, which compiles once for all that follows.
cat >digits.dlg <<'MODEL'
const batch = 32
input x : f32[batch, 64] from "digits.csv" columns 0:64
input y : u8[batch]      from "digits.csv" columns 64
logits = dense(x / 16, 10)
loss   = mean(cross_entropy(logits, y))
entry predict  -> probs = softmax(logits)
entry evaluate -> loss
entry train    -> loss { minimize loss by adam(lr = 1e-2) }
MODEL

# both NAME OPTION...: the same weights and evaluation with the data in memory and in files.
both() {
    name=$1
    shift
    expect 0 "" "$DLG" train digits.dlg --epochs 2 --seed 3 --holdout 0.2 "$@" --save memory.w
    grep -q "$said" out && fail "$name: it is small and not in memory"
    grep epoch out | sed 's/  [^ ]* samples.*//' >memory.out
    expect 0 "$said" "$DLG" train digits.dlg --epochs 2 --seed 3 --holdout 0.2 "$@" --save files.w --data-memory 1K
    grep epoch out | sed 's/  [^ ]* samples.*//' >files.out
    same memory.w files.w
    same memory.out files.out
}

both table
cp memory.w table.w
gzip -c digits.csv >packed.csv.gz
both "compressed table" --data x=packed.csv.gz:0:64 --data y=packed.csv.gz:64
same memory.w table.w
# Classes by name.
awk -F, '{ printf "%s,", ($65 % 3 ? "\"the " : "\"a ") $65 "\""; print }' digits.csv >names.csv
both "table with labels" --data x=names.csv:1:65 --data y=names.csv:0
# Arrays: what x is as bytes, in either order of the file, compressed or not; and as IDX.
npy() { # npy SHAPE FORTRAN FILE
    printf '\223NUMPY\001\000\166\000'
    printf '%-117s\n' "{'descr': '|u1', 'fortran_order': $2, 'shape': ($1), }"
    cat "$3"
}
head -c 128000 digits.csv >x.bytes
awk 'NR <= 2000 { printf "%c", 97 + NR * NR % 10 }' digits.csv digits.csv | tr a-j '\000-\011' >y.bytes
npy 2000, False y.bytes >y.npy
npy "2000, 64" False x.bytes >c.npy
npy "2000, 64" True x.bytes >f.npy
gzip -c c.npy >c.npy.gz
both "array" --data x=c.npy --data y=y.npy
cp memory.w array.w
both "compressed array" --data x=c.npy.gz --data y=y.npy
same memory.w array.w
both "array in Fortran order" --data x=f.npy --data y=y.npy
{ printf '\000\000\010\003\000\000\007\320\000\000\000\010\000\000\000\010' && cat x.bytes; } >x-idx3-ubyte
both "IDX file" --data x=x-idx3-ubyte --data y=y.npy
same memory.w array.w

# Evaluation and runs of what was held out.
expect 0 "400 held-out rows" "$DLG" eval digits.dlg --load array.w --data x=c.npy --data y=y.npy
cp out memory.out
expect 0 "" "$DLG" eval digits.dlg --load array.w --data x=c.npy --data y=y.npy --data-memory 1
same out memory.out
expect 0 "" "$DLG" run digits.dlg --load array.w --data x=c.npy --data y=y.npy --rows 3:40 --held-out --with y
cp out memory.out
expect 0 "" "$DLG" run digits.dlg --load array.w --data x=c.npy --data y=y.npy --rows 3:40 --held-out --with y \
    --data-memory 1
same out memory.out

# A run that is stopped and resumed, with the data here and there, ends with the same bits.
expect 0 "" "$DLG" train digits.dlg --epochs 2 --seed 3 --holdout 0.2 --steps 63 --checkpoint run.ckpt --data-memory 4K
expect 0 "going on after step 63" "$DLG" train digits.dlg --epochs 2 --seed 3 --holdout 0.2 --checkpoint run.ckpt \
    --resume --data-memory 1K --save resumed.w
same resumed.w table.w

# What is wrong is told with its place before anything is trained, or the file is not what it was.
head -c 100000 c.npy >short.npy
expect 1 "short.npy: is truncated" "$DLG" train digits.dlg --data x=short.npy --data y=y.npy --data-memory 1K
sed '900s/^[^,]*/nan/' digits.csv >nan.csv
expect 1 "nan.csv:900: column 1: \`nan\` is not a number" \
    "$DLG" train digits.dlg --data x=nan.csv:0:64 --data y=nan.csv:64 --data-memory 1K
expect 1 "cannot make a temporary file in /no/such/folder" \
    env TMPDIR=/no/such/folder "$DLG" train digits.dlg --data-memory 1K
expect 2 "takes a size as 300K" "$DLG" train digits.dlg --data-memory much

# A model that does not fit says what it needs and what there is, before anything of it is allocated.
{
    i=0
    while [ $i -lt 60 ]; do # 8 GB each
        echo "param w$i : f32[46000, 46000] ~ normal(0, 1)"
        i=$((i + 1))
    done
    i=0
    echo 'entry train -> n = 1 {'
    while [ $i -lt 60 ]; do
        echo "w$i = w$i * 2"
        i=$((i + 1))
    done
    echo '}'
} >huge.dlg
expect 3 "huge.dlg needs 484" "$DLG" train huge.dlg --steps 1
grep -q "needs 484[0-9]* MiB of memory; .* has [0-9]*\$" err || fail "what there is is not said: $(cat err)"

# Text: windows of characters and of bytes.
cat >text.dlg <<'MODEL'
const batch = 8, T = 16
input s : i32[batch, T + 1] from "text.txt" chars
param table : f32[256, 8] ~ normal(0, 0.1)
h = table[s[:, 0:T]]
logits = dense(reshape(h, batch * T, 8), 256)
loss = mean(cross_entropy(logits, reshape(s[:, 1:], batch * T)))
entry train -> loss { minimize loss by adam(lr = 1e-2) }
MODEL
{ head -c 9000 digits.csv; printf 'gr\303\274n \342\202\254 \360\237\214\263\n'; head -c 9000 digits.csv; } >text.txt
for source in text.txt:chars text.txt:bytes; do
    expect 0 "" "$DLG" train text.dlg --epochs 2 --data s=$source --save memory.w
    expect 0 "$said" "$DLG" train text.dlg --epochs 2 --data s=$source --save files.w --data-memory 1K
    same memory.w files.w
done
done_testing
