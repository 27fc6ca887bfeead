#!/bin/sh
# A run that is killed with SIGKILL at random moments and resumed ends with the same bits and the same log; a full disk and
# a folder that cannot be written damage nothing. DLG_KILLS says how many kills (50 take a few minutes), DLG_KILL_SEED when.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
kills=${DLG_KILLS:-8}
cp "$DLG_SOURCE_DIR/samples/digits.csv" .
expect 0 "" "$DLGC" "$DLG_SOURCE_DIR/samples/digits.dlg" -o digits.cl
train="dlg train digits.cl --holdout 0.2 --seed 5 --epochs 20 --log-every 7"
keep="--checkpoint run.checkpoint --checkpoint-every 1 --resume --log run.jsonl"
untimed() { sed 's/"seconds":.*"train"/"train"/' "$1"; }
expect 0 "weights: whole" $train --save whole --log whole.jsonl
untimed whole.jsonl >whole.lines
same_end() {
    same whole end
    untimed run.jsonl >run.lines
    same whole.lines run.lines
}

# Two numbers a kill: of what kind, and when.
awk -v seed="${DLG_KILL_SEED:-1}" -v n="$kills" \
    'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%d %.3f\n", rand() * 4, rand() }' >moments

# killed_run KIND PART: starts the run and kills it, of kind 0 within half a second of its start, else
# within a tenth of a second of its first checkpoint, the moments before the rename of later ones among
# them. Leaves the status in $status.
killed_run() {
    before=$(ls -i run.checkpoint 2>/dev/null)
    $train $keep --save end >out 2>err &
    child=$!
    if [ "$1" -eq 0 ]; then
        sleep "$(awk -v p="$2" 'BEGIN { print p / 2 }')"
    else
        while [ "$(ls -i run.checkpoint 2>/dev/null)" = "$before" ] && kill -0 $child 2>/dev/null; do sleep 0.01; done
        sleep "$(awk -v p="$2" 'BEGIN { print p / 10 }')"
    fi
    kill -9 $child 2>/dev/null
    wait $child 2>/dev/null
    status=$?
}

done=0
ended=0
while [ "$done" -lt "$kills" ] && [ "$failures" -eq 0 ]; do
    killed_run $(sed -n "$((done + 1))p" moments)
    if [ "$status" -eq 137 ]; then
        done=$((done + 1))
    elif [ "$status" -eq 0 ]; then # it ended before it was killed
        same_end
        ended=$((ended + 1))
        rm -f run.checkpoint end
        [ "$ended" -le "$kills" ] || fail "the run ends before it can be killed"
    else
        fail "status $status after $done kills: $(cat out err)"
    fi
done
[ "$failures" -eq 0 ] && expect 0 "weights: end" $train $keep --save end
same_end
echo "$done kills; $(ls | grep -c 'run.checkpoint.*tmp') temporary files left"
rm -f run.checkpoint.*.tmp
cp whole small

# A disk that is full (here: a limit on the size of files, 6 MB where 7 are wanted; what the OpenCL
# driver writes is smaller).
sed 's/128/8192/' "$DLG_SOURCE_DIR/samples/digits.dlg" >wide.dlg
expect 0 "" "$DLGC" wide.dlg
train="dlg train wide.cl --seed 5 --epochs 2"
keep="--checkpoint run.checkpoint --checkpoint-every 1 --resume"
rm -f run.checkpoint end
expect 0 "weights: whole" $train --save whole
expect 0 "20 steps in" $train $keep --steps 20
cp run.checkpoint before
(ulimit -f 12000; exec $train $keep --steps 22 --save end >out 2>err)
status=$?
[ "$status" -eq 3 ] || fail "a full disk: status $status: $(cat out err)"
grep -q "dlg: warning: there is no checkpoint of step 21: cannot write .*run.checkpoint: File too large" err ||
    fail "a full disk: $(cat err)"
grep -q "warning: there is no checkpoint of step 22" err || fail "the run does not go on: $(cat err)"
[ "$(grep -c "there is no checkpoint of step" err)" -eq 2 ] || fail "each is told once: $(cat err)"
same run.checkpoint before
ls | grep -q tmp && fail "temporary files are left"
expect 0 "run.checkpoint: going on after step 20" $train $keep --save end
same whole end

# What no file can be made in, whoever asks.
expect 1 "cannot write before/run.checkpoint: Not a directory" $train --checkpoint before/run.checkpoint
expect 1 "cannot write /proc/run.checkpoint" $train --checkpoint /proc/run.checkpoint
expect 1 "cannot write /dev/full: it is not a regular file" $train --checkpoint /dev/full
# A file system of the test's own that is full, and one that is only read, as root would find them.
mkdir disk
cat >disk.sh <<'EOF'
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
mount -t tmpfs -o size=9m none disk || exit 77
train="dlg train wide.cl --seed 5 --epochs 2"
keep="--checkpoint disk/run.checkpoint --checkpoint-every 1 --resume --save disk/end"
cp before disk/run.checkpoint && cp small disk/end || exit 1
expect 3 "there is no checkpoint of step 21: cannot write $PWD/disk/run.checkpoint: No space left on device" $train $keep
grep -q "warning: --save disk/end: the weights take [0-9]* bytes, and its disk has [0-9]*" err || fail "the room: $(cat err)"
grep -q "cannot write .*disk/end: No space left on device" err || fail "the weights: $(cat err)"
same before disk/run.checkpoint
same small disk/end
[ "$(ls disk | tr '\n' ' ')" = "end run.checkpoint " ] || fail "more is left: $(ls disk)"
mount -o remount,ro disk || exit 77
expect 1 "cannot write disk/end: Read-only file system" $train $keep
expect 1 "cannot write disk/run.checkpoint: Read-only file system" $train --resume --checkpoint disk/run.checkpoint
same small disk/end
same before disk/run.checkpoint
mount -o remount,rw,size=64m disk || exit 77
expect 0 "disk/run.checkpoint: going on after step 20" $train $keep
same whole disk/end
done_testing
EOF
on_own_disk disk.sh ": a full disk is shown by the limit alone"
done_testing
