#!/bin/sh
# dlg sample: text from a model that keeps a state, and from one that reads windows; and what cannot be sampled from.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$DLG_SOURCE_DIR"/samples/char_rnn.dlg .

# A text that two characters back decide: after `ab` comes c, after `cb` a newline.
i=0
while [ $i -lt 400 ]; do
    echo "abcbé"
    i=$((i + 1))
done >input.txt
small="-D batch=16 -D T=16 -D hidden=16 -D chars=6"
sed "s/with batch = 1, T = 1/with batch = 1, T = 2/" char_rnn.dlg >two.dlg
# shellcheck disable=SC2086 # a list of words
{
    expect 0 "2400 characters, 5 different" "$DLG" train char_rnn.dlg $small --epochs 40 --save w
    sample="$DLG sample char_rnn.dlg $small --load w"
    expect 0 "" $sample --prompt ab --length 16 --temperature 0
    printf 'abcb\303\251\nabcb\303\251\nabcb\303\251\n' >want
    same out want
    head -n 1 want >first
    expect 0 "" $sample --length 12 --temperature 0
    mv out begun # as if after the end of a line
    expect 0 "" $sample --length 12 --temperature 0 --prompt "
"
    tail -n +2 out >rest
    same begun rest

    # The same seed, the same text; another seed another one; one of the likeliest alone is the likeliest.
    expect 0 "" $sample --prompt ab --length 200 --temperature 20 --seed 3
    mv out three
    expect 0 "" $sample --prompt ab --length 200 --temperature 20 --seed 3
    same out three
    expect 0 "" $sample --prompt ab --length 200 --temperature 20 --seed 4
    cmp -s out three && fail "the seed does not matter"
    expect 0 "" $sample --prompt ab --length 16 --temperature 20 --top-k 1
    same out want
    expect 0 "" $sample --prompt ab --length 0
    [ "$(cat out)" = ab ] || fail "a length of 0: $(cat out)"

    # How often a character is drawn, at a temperature so high that all are about as likely.
    expect 0 "" $sample --prompt ab --length 3000 --temperature 1000
    [ "$(tr -dc a <out | wc -c)" -gt 450 ] && [ "$(tr -dc a <out | wc -c)" -lt 750 ] ||
        fail "of 3000 characters, $(tr -dc a <out | wc -c) are a"

    # What is wrong is told with its place, and nothing is printed before it.
    expect 1 "the prompt, character 3: \`z\`, U+007A is not in the vocabulary of the weights, which has 5 characters" \
        $sample --prompt abz
    [ -s out ] && fail "text before an error: $(cat out)"
    expect 1 "the prompt, character 2: it is not UTF-8" $sample --prompt "$(printf 'a\377')"
    expect 1 "entry \`predict\` keeps no state and says what follows 16 tokens: the prompt has 2" $sample --prompt ab --entry predict
    expect 0 "" $sample --prompt "$(printf '\303\251\nabcb\303\251\nabcb\303\251\nab')" --length 4 --temperature 0 --entry predict
    tail -n 1 out >last
    same last first
    expect 1 "entry \`train\` cannot be sampled from: it trains" $sample --entry train
    expect 1 "has no entry \`fly\`" $sample --entry fly
    expect 1 "entry \`evaluate@1\` cannot be sampled from: it returns no probabilities" $sample --entry evaluate
    expect 1 "it keeps a state and reads 2 tokens at a time, which must be one" "$DLG" sample two.dlg $small --load w \
        --partial
    expect 2 "--temperature takes a number from 0 to 1e6, not \`-1\`" $sample --temperature=-1
    expect 2 "--top-k is at least 1" $sample --top-k 0
    expect 2 "which weights? Give --load" "$DLG" sample char_rnn.dlg $small
}

# A window model that says what follows each of its characters takes any prompt; here of logits, and of bytes.
cat >pairs.dlg <<'MODEL'
const batch = 8, T = 12
input s : u8[batch, T + 1] from "input.txt" bytes
param next : f32[256, 256] = 0
logits = next[s[:, 0:T]]
loss = mean(cross_entropy(reshape(logits, batch * T, 256), reshape(cast(s[:, 1:], i32), batch * T)))
entry predict -> logits
entry train -> loss { minimize loss by sgd(lr = 20) }
MODEL
yes 'hello there' | head -n 300 >input.txt
expect 0 "" "$DLG" train pairs.dlg --epochs 20 --save pairs
expect 0 "" "$DLG" sample pairs.dlg --load pairs --prompt 'ther' --length 2 --temperature 0
grep -qx 'there[ lr]*' out || fail "pairs: $(cat out)"
expect 0 "" "$DLG" sample pairs.dlg --load pairs --prompt 'hello there, hello th' --length 1 --temperature 0
grep -qx 'hello there, hello the' out || fail "a long prompt: $(cat out)"

# No text, no vocabulary, other data.
cp "$data/line.cl" "$data/line.csv" .
expect 0 "" "$DLG" train line.cl --set rate=0.1 --quiet --save line.w
expect 1 "entry \`predict\` cannot be sampled from: it reads no text. What can is an entry that reads one token" \
    "$DLG" sample line.cl --load line.w
sed 's/bytes$/chars/' pairs.dlg >chars.dlg
expect 1 "have no vocabulary for \`s\`: they were not trained on the characters of a text" \
    "$DLG" sample chars.dlg --load pairs
done_testing
