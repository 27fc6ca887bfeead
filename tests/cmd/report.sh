#!/bin/sh
# dlg report: one page with all parts, that loads nothing, from any text; and the colours of dlg inspect --kernels.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$DLG_SOURCE_DIR"/samples/digits.dlg "$DLG_SOURCE_DIR"/samples/digits.csv "$DLG_SOURCE_DIR"/samples/convnet.dlg .

# has TEXT...: the page has them.
has() {
    for text in "$@"; do
        grep -qF -- "$text" page.html || fail "the page has no $text"
    done
}

# alone: the page loads nothing and runs nothing.
alone() {
    grep -niE '<(script|link|iframe|img)|<[^>]*(src=|href="[^#]| on[a-z]*=)|url\(|@import' page.html && fail "the page is not alone"
    [ "$(head -n 1 page.html)" = "<!DOCTYPE html>" ] && [ "$(tail -n 1 page.html)" = "</html>" ] || fail "half a page"
}

expect 0 "" "$DLG" train convnet.dlg --steps 30 --holdout 0.2 --quiet --log log.jsonl --profile trace.json
expect 0 "page.html" "$DLG" report convnet.dlg --log log.jsonl --profile trace.json -o page.html
alone
has '<h1>convnet</h1>' 'id="training"' 'id="profile"' 'id="model"' 'id="launches"' 'id="memory"' 'The arena in train' \
    '<td class="at">13<td class="text">loss   = mean(cross_entropy(logits, y))' 'held out' '(runtime)' ' % of flops' 'prefers-color-scheme: dark'
expect 0 "" "$DLGC" convnet.dlg -o convnet.cl
for kernel in $(sed -n 's/^__kernel void \([a-z0-9]*\)(.*/\1/p' convnet.cl); do
    has "<div id=\"kernel-$kernel\">"
done
# What stands in the arena is drawn with its place; what flows from launch to launch with its size.
sed -n 's|^//! buffer [0-9]* \([^ ]*\) .* arena \([0-9]*\)$|<title>\1,.*, at \2</title>|p' convnet.cl >places
[ -s places ] || fail "no arena"
while read -r place; do
    case $place in *@1,*) continue ;; esac
    grep -q "$place" page.html || fail "the memory map lacks $place"
done <places
grep -c 'class="edge"' page.html | grep -q '^1[0-9]$\|^2[0-9]$' || fail "$(grep -c 'class="edge"' page.html) edges"
mv page.html first.html
# Of another model: that is said, and kernels that happen to be called the same are not taken for it.
expect 0 "dlg: warning: log.jsonl is of the model \`convnet\`, and digits.dlg is \`digits\`" \
    "$DLG" report digits.dlg --log log.jsonl --profile trace.json -o page.html
grep -q "dlg: warning: trace.json is of the model \`convnet\`" err || fail "the trace: $(cat err)"
has 'These curves are of another model, convnet.' 'This profile is of another model, convnet.'
sed '/id="launches"/,$d' page.html | sed -n '/id="profile"/,$p' | sed '/id="model"/,$d' | grep -q 'href="#kernel' && fail "kernels of another model"
expect 0 "" "$DLG" report convnet.dlg --log log.jsonl --profile trace.json -o page.html
same page.html first.html
expect 0 "digits.html" "$DLG" report digits.dlg
# A kernel's group is a function where launches are done together: its text and lines are the kernel's.
expect 0 "" "$DLG" report digits.dlg -o -
same out digits.html
expect 0 "" "$DLG" report digits.dlg --target gpu -o page.html
has 'k0_group('
awk '/<div id="kernel-k0">/ { on = 1 } on && /static.*void.*k0_group/ { found = 1 } on && /<div id="kernel-k1">/ { exit }
    END { exit !found }' page.html || fail "the kernel lacks its group"
expect 0 "" "$DLG" report convnet.cl -o page.html
grep -q 'id="model"' page.html && fail "a .cl has no model to show"
has 'kernel-k0'
expect 0 "" "$DLG" report "$data/line.cl" -o page.html
alone
has 'kernel-judge' 'kernel-learn'
expect 0 "" "$DLG" report "$DLG_SOURCE_DIR/samples/char_rnn.dlg" -D batch=4 -D T=8 -o page.html
has ' × 8'

# A model, a log and a trace say what they like: it is text.
cat >'a<b>&"c.dlg' <<'MODEL'
# </pre><script>alert(1)</script>
input x : f32[2]
entry predict -> y = x < 1  # </style><img src=x>
MODEL
printf '%s\n' '{"epoch":1,"step":4,"end":true,"train":{"<script>":2.5,"rows":4}}' >odd.jsonl
printf '%s\n' '{"traceEvents":[{"name":"<script>","ph":"X","ts":0,"dur":5,"args":{"entry":"<img src=x>","operations":1}},7,{"ph":"X"}]}' >odd.json
expect 0 "" "$DLG" report 'a<b>&"c.dlg' --log odd.jsonl --profile odd.json -o page.html
alone
has '&lt;script&gt;' '&lt;img src=x&gt;'

# What is wrong is told, and no page is made or lost.
cp page.html kept.html
echo '{"traceEvents":[]}' >empty.json
echo '[1]' >other.json
head -c 300 trace.json >cut.json
for wrong in empty other cut; do
    expect 1 "$wrong.json: this is no trace of --profile" "$DLG" report digits.dlg --profile $wrong.json -o page.html
done
expect 1 "missing.json" "$DLG" report digits.dlg --profile missing.json -o page.html
expect 1 "is no line of a training log" "$DLG" report digits.dlg --log trace.json -o page.html
expect 1 "cannot open missing.jsonl" "$DLG" report digits.dlg --log missing.jsonl -o page.html
expect 1 "is not overwritten" "$DLG" report digits.dlg -o digits.csv
expect 1 "is not overwritten" "$DLG" report digits.dlg -o digits.dlg
expect 1 "cannot write nowhere/page.html" "$DLG" report digits.dlg -o nowhere/page.html
same page.html kept.html

# Colours are for terminals, and take nothing away.
expect 0 "" "$DLG" inspect --kernels digits.dlg
mv out plain
grep -q "$(printf '\033')" plain && fail "colours in a file"
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    TERM=xterm NO_COLOR='' script -qec "dlg inspect --kernels digits.dlg" /dev/null </dev/null >seen
    grep -q "$(printf '\033\\[34m')__kernel" seen || fail "no colours on a terminal"
    sed "s/$(printf '\033')\\[[0-9]*m//g" seen | tr -d '\r' >bare
    same bare plain
    TERM=xterm NO_COLOR=1 script -qec "dlg inspect --kernels digits.dlg" /dev/null </dev/null | tr -d '\r' >bare
    same bare plain
fi
done_testing
