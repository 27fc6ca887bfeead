#!/bin/sh
# dlg plot: the curves of a log as SVG.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
well_formed() {
    command -v xmllint >/dev/null || return 0
    xmllint --noout "$1" || fail "$1 is not well-formed"
}

# Two epochs of 100 rows in four windows: means so far of 4, 3, then of 2, 1.5, so that what is new is 4, 2, 2, 1.
cat >made.jsonl <<'END'
{"epoch":1,"step":5,"seconds":1,"samples_per_second":1,"train":{"loss":4,"acc":0,"rows":50}}
{"epoch":1,"step":10,"end":true,"seconds":2,"samples_per_second":1,"train":{"loss":3,"acc":0.5,"rows":100},"evaluate":{"loss":2.5,"rows":7}}
{"epoch":2,"step":15,"seconds":3,"samples_per_second":1,"train":{"loss":2,"acc":null,"rows":50}}
{"epoch":2,"step":20,"end":true,"seconds":4,"samples_per_second":1,"train":{"loss":1.5,"acc":1,"rows":100},"evaluate":{"loss":1,"rows":7}}
{"epoch":3,"st
END
printf '%s' "$(cat made.jsonl)" >torn.jsonl # a line that is being written
expect 0 "torn.svg" "$DLG" plot torn.jsonl
well_formed torn.svg
# x: 64 + step / 20 * 676; y of 1 to 4 in a panel of 220 from 65 on.
grep -q 'd="M233.0 65.0L402.0 211.7L571.0 211.7L740.0 285.0"' torn.svg || fail "the curve of training: $(grep curve torn.svg)"
grep -q 'd="M402.0 175.0L740.0 285.0"' torn.svg || fail "the curve of what is held out: $(grep curve torn.svg)"
grep -q ">train 1</text>" torn.svg || fail "the last value"
grep -q ">step (10 an epoch)</text>" torn.svg || fail "steps an epoch"
[ "$(grep -c 'class="name"' torn.svg)" -eq 2 ] || fail "not a panel a metric"
[ "$(grep -c 'class="curve"' torn.svg)" -eq 3 ] || fail "acc was not evaluated"
[ "$(grep 'class="curve"' torn.svg | tail -n 1 | tr -cd M | wc -c)" -eq 1 ] || fail "a gap: $(grep curve torn.svg)"
expect 0 "" "$DLG" plot torn.jsonl -o again.svg --quiet
[ -s out ] && fail "--quiet prints"
same torn.svg again.svg

# A real one; a picture is replaced, nothing else is.
cp "$data/line.cl" "$data/line.csv" .
expect 0 "" dlg train line.cl --set rate=0.3 --holdout 0.2 --epochs 3000 --quiet --log line.jsonl
expect 0 "line.svg" "$DLG" plot line.jsonl
well_formed line.svg
[ "$(wc -c <line.svg)" -lt 100000 ] || fail "as many points as epochs"
expect 0 "line.svg" "$DLG" plot line.jsonl
echo notes >notes.svg
expect 1 "notes.svg is there and is not a picture in SVG" "$DLG" plot line.jsonl -o notes.svg
[ "$(cat notes.svg)" = notes ] || fail "notes are lost"
expect 1 "cannot write no/such/a.svg: No such file" "$DLG" plot line.jsonl -o no/such/a.svg

# Hostile names, numbers at the ends.
printf '{"epoch":1,"step":1,"train":{"<b>&\\"\\u0001":1e308,"x":-1e308,"one":5,"rows":1}}\n' >odd.jsonl
printf '{"epoch":1,"step":2,"train":{"<b>&\\"\\u0001":-1e308,"x":-1e308,"one":5,"rows":2}}\n' >>odd.jsonl
expect 0 "odd.svg" "$DLG" plot odd.jsonl
well_formed odd.svg
grep -q '&lt;b&gt;&amp;" ' odd.svg || fail "the name: $(grep name odd.svg)"
sed 's/>[^<]*</></g' odd.svg | grep -qiE '[^a-z](nan|inf)' && fail "no number: $(cat odd.svg)" # as a place

expect 1 "cannot open missing.jsonl: No such file" "$DLG" plot missing.jsonl
: >empty.jsonl
expect 1 "empty.jsonl: there is nothing in it to draw" "$DLG" plot empty.jsonl
expect 1 "made.jsonl:5: this is no line of a training log" "$DLG" plot made.jsonl
echo '{"a":1}' >other.jsonl
expect 1 "other.jsonl:1: this is no line of a training log: it has no epoch, step and train" "$DLG" plot other.jsonl
echo '{"epoch":1,"step":3,"train":{"loss":"x","rows":1}}' >other.jsonl
expect 1 "a metric is not a number" "$DLG" plot other.jsonl
echo '{"epoch":1,"step":3,"train":{"loss":1}}' >other.jsonl
expect 1 "it does not say of how many rows" "$DLG" plot other.jsonl
printf '{"epoch":1,"step":3,"train":{"loss":1,"rows":1}}\n{"epoch":1,"step":2,"train":{"loss":1,"rows":1}}\n' >other.jsonl
expect 1 "/dev/zero:1: this is no line of a training log: it does not begin with \`{\`" "$DLG" plot /dev/zero -o zero.svg
expect 1 "other.jsonl:2: this is no line of a training log: its step is less" "$DLG" plot other.jsonl
expect 2 "which LOG?" "$DLG" plot

# To the standard output, where that is asked for.
printf '{"epoch":1,"step":3,"train":{"loss":1,"rows":1}}\n' >one.jsonl
expect 0 "one.svg" "$DLG" plot one.jsonl
expect 0 "</svg>" "$DLG" plot one.jsonl -o -
same out one.svg
[ -e ./- ] && fail "a file is called -"
[ ! -e /dev/full ] || expect 3 "cannot write to the standard output: No space left" sh -c '"$DLG" plot one.jsonl -o - >/dev/full'

# Numbers as far apart, or as near, as they can be.
for value in '-1e308 1e308' '5e-324 1e-323' '0 0' '1e308 1e308'; do
    : >wide.jsonl
    step=0
    for v in $value; do
        step=$((step + 1))
        echo "{\"epoch\":$step,\"step\":$step,\"train\":{\"loss\":$v,\"rows\":1}}" >>wide.jsonl
    done
    expect 0 "" "$DLG" plot wide.jsonl -o wide.svg
    grep -qE 'nan|inf' wide.svg && fail "no numbers in the drawing of $value"
done
echo '{"epoch":1,"step":1e308,"train":{"loss":1,"rows":1}}' >far.jsonl
expect 0 "" timeout 10 "$DLG" plot far.jsonl -o far.svg
done_testing
