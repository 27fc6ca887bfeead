#!/bin/sh
# The samples whose data does not come with them: that they learn, in a few steps each, of the data where it is there,
# else of what the project has. What they reach in full is in samples/README.md.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
[ -z "${DLG_SANITIZE:-}" ] || exit 77
cp "$DLG_SOURCE_DIR"/samples/*.dlg .
shared=$DLG_SOURCE_DIR/../shared/data

# below NAME MOST: what `eval --json` printed as NAME is below MOST.
below() {
    sed "s/.*\"$1\": \\([0-9.e-]*\\).*/\\1/" out >figure
    awk -v most="$2" '{ exit !($1 + 0 == $1 && $1 < most) }' figure || fail "$1 is $(cat figure), and was to be below $2"
}

text=$shared/tinyshakespeare/input.txt
[ -r "$text" ] || text=$DLG_SOURCE_DIR/docs/language.md
head -c 100000 "$text" >input.txt
small="-D batch=16 -D T=32 -D chars=128"
# From how often each character comes alone, the loss would be 3.3 to 3.4.
# shellcheck disable=SC2086 # a list of words
{
    expect 0 "params" "$DLG" inspect gpt.dlg
    expect 0 "weights" "$DLG" train gpt.dlg $small -D steps=300 -D width=32 -D layers=1 -D rate=1e-2 --steps 300 --holdout 0.05 --save gpt.w
    expect 0 '"rows": ' "$DLG" eval gpt.dlg $small -D steps=300 -D width=32 -D layers=1 --load gpt.w --json
    below loss 3
    expect 0 "the" "$DLG" sample gpt.dlg $small -D steps=300 -D width=32 -D layers=1 --load gpt.w --prompt "the " --length 100 --temperature 0.8
    [ "$(wc -m <out)" -eq 105 ] || fail "gpt.dlg wrote $(wc -m <out) characters"
    expect 0 "weights" "$DLG" train char_rnn.dlg $small -D steps=400 -D hidden=48 -D rate=2e-2 --steps 400 --seed 1 --holdout 0.05 --save rnn.w
    expect 0 '"rows": ' "$DLG" eval char_rnn.dlg $small -D steps=400 -D hidden=48 --load rnn.w --json
    below loss 3
}

if [ -r "$shared/mnist10k/train-images-idx3-ubyte.gz" ]; then
    mkdir mnist
    cp "$shared"/mnist10k/*.gz mnist
    expect 0 "weights" "$DLG" train mnist_conv.dlg -D steps=100 --steps 100 --seed 1 --save conv.w
    expect 0 '"rows": 10000' "$DLG" eval mnist_conv.dlg --load conv.w --json \
        --data x=mnist/t10k-images-idx3-ubyte.gz --data y=mnist/t10k-labels-idx1-ubyte.gz
    below loss 0.3
fi
done_testing
