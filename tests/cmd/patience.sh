#!/bin/sh
# Early stopping: the run ends when the rows held out get no better, and --save has the best weights.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$DLG_SOURCE_DIR/samples/digits.dlg" "$DLG_SOURCE_DIR/samples/digits.csv" .
train="dlg train digits.dlg -D batch=16 --holdout 0.2 --epochs 400 --patience 4"
stop() { # stop METRIC OPTIONS...: the log and eval agree with what is told
    metric=$1
    shift
    expect 0 "best on the rows held out: $metric " $train --log log.jsonl --save best "$@"
    best=$(sed -n "s/^best on the rows held out: $metric \([^ ]*\) in epoch \([0-9]*\), whose weights are saved$/\1 \2/p" out)
    epochs=$(grep -c '"end":true' log.jsonl)
    [ "$epochs" -eq $((${best#* } + 4)) ] || fail "$epochs epochs, the best of which is $best"
    grep -q "^epoch $epochs/400 " out || fail "the last epoch is not shown"
    grep -q "^{\"epoch\":${best#* },.*\"evaluate\":.*" log.jsonl || fail "the best epoch is not in the log"
    expect 0 "$metric ${best% *}" "$DLG" eval digits.dlg -D batch=16 --load best
}
stop loss
cp best by_loss
stop acc --metric acc:max
cmp -s best by_loss && fail "the metric does not matter"

# Interrupted by --steps and resumed: the same weights, and the same lines of the log.
expect 0 "weights: part" $train --metric acc:max --checkpoint c --log part.jsonl --save part --steps 700
expect 0 "c: going on after step 700" $train --metric acc:max --checkpoint c --log part.jsonl --save part --resume
same best part
sed 's/"seconds":.*"train"/"train"/' log.jsonl >lines
sed 's/"seconds":.*"train"/"train"/' part.jsonl >part.lines
same lines part.lines
expect 0 "c: the run is at its end" $train --metric acc:max --checkpoint c --save again --resume
same best again
expect 1 "another run: the metric to stop by is most acc there and least loss here" $train --checkpoint c --resume

# A log keeps the lines that a resumed run had, drops half a line, and begins anew with a new run.
expect 0 "" dlg train digits.dlg --steps 30 --log-every 10 --log short.jsonl --checkpoint d
printf '{"epoch":2,"st' >>short.jsonl
expect 0 "" dlg train digits.dlg --epochs 2 --log-every 10 --log short.jsonl --checkpoint d --resume
expect 0 "" dlg train digits.dlg --epochs 2 --log-every 10 --log full.jsonl
sed 's/"seconds":.*"train"/"train"/' short.jsonl >lines
sed 's/"seconds":.*"train"/"train"/' full.jsonl >full.lines
same lines full.lines
[ "$(sed 's/,"seconds.*//' full.jsonl | tr '\n' ' ')" = '{"epoch":1,"step":10 {"epoch":1,"step":20 {"epoch":1,"step":28,"end":true {"epoch":2,"step":30 {"epoch":2,"step":40 {"epoch":2,"step":50 {"epoch":2,"step":56,"end":true ' ] ||
    fail "the lines are: $(cat full.jsonl)"
sed -n '1p' full.jsonl | tr -d '\n' | cut -c 1-40 | tr -d '\n' >cut.jsonl # as a machine that crashed may leave it
expect 0 "note: --log cut.jsonl: its last line was cut off, and is taken away: of the steps up to 56, after which the run goes on, lines may be missing" \
    dlg train digits.dlg --epochs 3 --log cut.jsonl --checkpoint d --resume
[ "$(cut -c 1-20 cut.jsonl)" = '{"epoch":3,"step":84' ] || fail "after a line that was cut off: $(cat cut.jsonl)"
# A last line that only its end is missing of stays, and so does an empty one; one within that is no line is told.
expect 0 "" dlg train digits.dlg --epochs 2 --quiet --log most.jsonl --checkpoint most
truncate -s -1 most.jsonl
expect 0 "" dlg train digits.dlg --epochs 3 --log most.jsonl --checkpoint most --resume
grep -q "cut off" err && fail "a whole line was cut off"
[ "$(cut -c 1-20 most.jsonl | tr '\n' ' ')" = '{"epoch":1,"step":28 {"epoch":2,"step":56 {"epoch":3,"step":84 ' ] ||
    fail "a line without its end: $(cat most.jsonl)"
sed -i '1G' most.jsonl
expect 0 "" dlg train digits.dlg --epochs 4 --log most.jsonl --checkpoint most --resume
[ "$(wc -l <most.jsonl)" -eq 5 ] || fail "an empty line: $(cat most.jsonl)"
sed -i '2s/.*/{"epoch":2,"st/' most.jsonl
cp most.jsonl odd.jsonl
expect 1 "--log odd.jsonl: its line 2 is no line of a log" dlg train digits.dlg --epochs 5 --log odd.jsonl --checkpoint most --resume
same odd.jsonl most.jsonl
# Where there is no more room it ends with a whole line.
mkdir disk
cat >disk.sh <<'EOF'
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
mount -t tmpfs -o size=16k none disk || exit 77
expect 3 "cannot write disk/log: No space left on device" dlg train digits.dlg --epochs 10 --log-every 1 --log disk/log
grep -v '^{"epoch":.*}$' disk/log && fail "a line is no line"
[ "$(wc -l <disk/log)" -gt 20 ] && [ -z "$(tail -c 1 disk/log | tr -d '\n')" ] || fail "the log of a full disk: $(cat disk/log)"
done_testing
EOF
on_own_disk disk.sh ": a full disk is not tried"
expect 0 "" dlg train digits.dlg --epochs 1 --log short.jsonl --checkpoint new --resume
[ "$(wc -l <short.jsonl)" -eq 1 ] || fail "a new run keeps an old log"

expect 2 "none are held out: give --holdout 0.2 too" dlg train digits.dlg --patience 3
sed '/^entry evaluate/d' digits.dlg >bare.dlg
expect 1 "--patience needs an entry that evaluates" dlg train bare.dlg --patience 3 --holdout 0.2
expect 1 "returns no scalar \`fly\`; it returns \`loss\`, \`acc\`" $train --metric fly
expect 2 "--metric takes NAME, NAME:min or NAME:max, not \`acc:more\`" $train --metric acc:more
expect 2 "--metric says what --patience waits for" dlg train digits.dlg --metric loss
expect 2 "--patience is at least 1" dlg train digits.dlg --patience 0
expect 2 "--log-every is of a --log" dlg train digits.dlg --log-every 10
done_testing
