#!/bin/sh
# --profile: a trace with the lines, operations and bytes of each kernel, and a table of the longest.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$DLG_SOURCE_DIR/samples/digits.dlg" "$DLG_SOURCE_DIR/samples/digits.csv" .
lines=$(grep -nE '^(h|logits|loss|acc) |^entry train' digits.dlg | cut -d : -f 1 | paste -s -d , | sed 's/,/, /g')
first=${lines%%,*}
train="dlg train digits.dlg --target cpu --epochs 2 --holdout 0.2"
expect 0 "profile: trace.json" $train --profile trace.json --save timed
grep -qE '^k[0-9]+ +train +44 +[0-9]+ % .* [0-9]+ % (flop|byte)  '"$lines"'$' out || fail "the table: $(cat out)"
grep -qE '^gather +\(runtime\)' out || fail "the runtime's own kernels: $(cat out)"
head -n 1 trace.json | grep -qF '{"traceEvents":[' || fail "the beginning: $(head -n 1 trace.json)"
[ "$(grep -c '"cat":"train","ph":"X",.*"entry":"train","step":[0-9]*,"source":"digits.dlg:'"$first"'","lines":" *'"$first"'  h .*"operations":[1-9][0-9]*,"bytes":[1-9]' trace.json)" -eq 44 ] ||
    fail "the events: $(head -n 5 trace.json)"
expect 0 "" $train --save plain
same timed plain
# For the device's own target too, whose short launches are one where nobody looks at them.
own="dlg train digits.dlg --epochs 1 --holdout 0.2"
expect 0 "" $own --profile own.json --save timed
expect 0 "" $own --save plain
same timed plain

# The limits that the device was held against stand in the trace: some operations, copies in two working sets or more.
sed -n 's/.*"limits":{"gigaoperations_per_second":\([0-9.]*\),"copies":\[\(.*\)\]}.*/\1 \2/p' trace.json >limits
awk '$1 > 0.01 { n = gsub(/"gigabytes_per_second":[0-9]/, ""); exit n < 2 } { exit 1 }' limits || fail "limits: $(tail -n 1 trace.json)"

expect 0 "evaluate" "$DLG" eval digits.dlg --load plain --profile trace.json
expect 0 "predict@1" "$DLG" run digits.dlg --load plain --rows 0 --profile trace.json
expect 0 "" "$DLG" run digits.dlg --load plain --rows 0 --profile trace.json --get probs=p.npy
expect 0 "" $train --quiet --profile trace.json
[ -s out ] && fail "--quiet prints"

# What is there is not lost, and a run that fails has its profile too.
expect 1 "--profile digits.csv: that is data of the model" $train --profile digits.csv
expect 1 "--profile plain: that is what --load reads" "$DLG" eval digits.dlg --load plain --profile plain
echo notes >notes.txt
expect 1 "notes.txt is there and is not a profile" $train --profile notes.txt
cp "$data/line.cl" "$data/line.csv" .
rm trace.json
expect 4 "diverged" "$DLG" train line.cl --set rate=100 --epochs 30000 --quiet --profile trace.json
tail -n 1 trace.json | grep -q '"left_out":0}}$' || fail "the end: $(tail -n 1 trace.json)"
done_testing
