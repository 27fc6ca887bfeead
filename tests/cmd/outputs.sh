#!/bin/sh
# What a command is asked to write destroys nothing that it reads, and is looked at before training.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$data/line.cl" "$data/line.csv" .
mkdir there
train="dlg train line.cl --set rate=0.3 --quiet"
forever="$train --epochs 100000000"

# kept STATUS TEXT COMMAND...: refused in these words, and model and data are as they were.
kept() {
    expect "$@"
    same line.cl "$data/line.cl"
    same line.csv "$data/line.csv"
}
ln line.csv hard.csv
ln -s ../line.csv there/soft.csv
kept 1 "--save line.cl: that is the model: it is not overwritten" $forever --save line.cl
kept 1 "--save ./there/../line.cl: that is the model" $forever --save ./there/../line.cl
kept 1 "--save line.csv: that is data of the model" $forever --save line.csv
kept 1 "--log line.csv: that is data of the model" $forever --log line.csv
kept 1 "--log line.cl: that is the model" $forever --log line.cl
kept 1 "not overwritten" $forever --save hard.csv
kept 1 "not overwritten" $forever --log there/soft.csv
(cd there && dlg train ../line.cl --set rate=1 --log ../line.csv >/dev/null 2>err)
grep -q "that is data of the model" there/err || fail "from elsewhere: $(cat there/err)"
same line.csv "$data/line.csv"
cp line.csv other.csv
kept 1 "--log other.csv: that is data of this run" $forever --data x=other.csv:0:2 --log other.csv
cmp -s other.csv line.csv || fail "the data given is overwritten"
kept 1 "--save and --log are one file: a" $forever --save a --log a
kept 1 "--save and --log are one file" $forever --save a --log ./there/../a
[ -e a ] && fail "a refused output is there"

# Files of another kind are kept; weights are updated in place.
echo notes >notes.txt
expect 1 "notes.txt is there and is not a weights file" $forever --save notes.txt
expect 1 "notes.txt is there and is not a log" $forever --log notes.txt
[ "$(cat notes.txt)" = notes ] || fail "notes are lost"
expect 0 "" $train --epochs 1 --save w --log log
expect 0 "" $train --epochs 1 --load w --save w --log log
expect 1 "--log w: that is what --load reads" $forever --load w --log w
expect 0 '{"epoch":1,' $train --epochs 1 --log /dev/stdout
expect 0 "" $train --epochs 1 --log /dev/null

# Weights, checkpoints, logs and profiles do not take each other's place.
expect 0 "" $train --epochs 1 --checkpoint c --profile profile
mkdir before
cp w c log profile before
expect 1 "w is there and is a weights file, not a checkpoint" $forever --checkpoint w
expect 1 "c is there and is a checkpoint, not a weights file" $forever --save c
expect 1 "c is there and is a checkpoint, not a weights file" $forever --load c --save c
expect 1 "log is there and is not a profile" $forever --profile log
expect 1 "profile is there and is not a log" $forever --log profile
for file in w c log profile; do same $file before/$file; done
expect 0 "" $train --epochs 1 --checkpoint c --profile profile --log log

# A log is written by one run at a time, and the one that began with it goes on.
$forever --log shared --log-every 1 >first 2>&1 &
first=$!
until [ -s shared ]; do kill -0 $first 2>/dev/null || break; done
expect 1 "--log shared: another run is writing it" $train --epochs 1 --log shared --checkpoint second
expect 1 "--log shared: another run is writing it" $train --data x=missing.csv --log shared # at once
[ -e second ] && fail "the run that was refused trained"
# Folds have logs of their own, and only these.
expect 0 "" $train --epochs 1 --folds 2 --log shared
rm shared.fold2
ln -s shared shared.fold2
expect 1 "--log shared.fold2: another run is writing it" $train --folds 2 --data x=missing.csv --log shared # at once
kill -INT $first
wait $first
[ "$(head -c 20 shared)" = '{"epoch":1,"step":1,' ] || fail "the log: $(head -n 1 shared)"
expect 0 "" $train --epochs 1 --log shared

# Where it is ignored that the terminal goes, as under nohup, a run goes on.
(trap '' HUP && exec $forever --log held --log-every 1 >held.out 2>&1) &
held=$!
until [ -s held ]; do kill -0 $held 2>/dev/null || break; done
kill -HUP $held
lines=$(wc -l <held)
until [ "$(wc -l <held)" -gt $((lines + 1000)) ]; do kill -0 $held 2>/dev/null || break; done
kill -INT $held || fail "a run that nobody hangs up ended: $(cat held.out)"
wait $held
grep -q "interrupted" held.out || fail "a run that was hung up: $(cat held.out)"

# So are weights, checkpoints and profiles, under whatever name; a run that is killed leaves no lock.
$forever --save own --checkpoint state --checkpoint-every 1 --profile when --log log.own --log-every 1 >first 2>&1 &
first=$!
until [ -s log.own ]; do kill -0 $first 2>/dev/null || break; done
ln -s state state.link
expect 1 "--save own: another run is writing it: give each run a file of its own" $forever --save own
expect 1 "--checkpoint state: another run is writing it" $forever --checkpoint state --resume
expect 1 "--checkpoint there/../state: another run is writing it" $forever --checkpoint there/../state
expect 1 "--profile when: another run is writing it" $forever --profile when
[ -e state ] || until [ -e state ]; do kill -0 $first 2>/dev/null || break; done
expect 1 "--checkpoint state.link: another run is writing it" $forever --save other --checkpoint state.link
[ -e other.lock ] && fail "a run that was refused leaves a lock"
kill -9 $first
wait $first 2>/dev/null
rm -f "state.$first"-*.tmp # a checkpoint has that name for a moment, before it gets its own: the run may have been killed then
expect 0 "" $train --epochs 1 --save own --checkpoint state --profile when
ls | grep '\.lock$' && fail "locks are left"
cat >two.dlg <<'MODEL'
entry predict -> y = iota(4)
entry other -> z = iota(5)
MODEL
expect 1 "--get z: entry \`predict\` does not return it; entry \`other\` does: --entry other" "$DLG" run two.dlg --get z=z.npy
[ -e z.npy ] && fail "what was not computed is written"
expect 0 "" "$DLG" run two.dlg --entry other --get z=z.npy
expect 1 "--checkpoint own.lock: that is the file that keeps other runs from --save own" $train --epochs 1 --save own --checkpoint own.lock
echo mine >taken.lock # a file of that name which is not ours
expect 0 "" $train --epochs 1 --save taken
[ "$(cat taken.lock)" = mine ] || fail "a file is lost"
mkdir folder.lock
expect 1 "folder.lock, which keeps other runs from folder: Is a directory" $train --epochs 1 --save folder
: >left.lock # as by another user's run, which was killed (root may write it)
chmod 444 left.lock
expect 0 "" $train --epochs 1 --save left
[ -e left.lock ] && fail "a lock is left"
# Where no file can be told to be the one that is open nothing is locked.
if [ -z "${DLG_SANITIZE:-}" ]; then
    expect 0 "" env DLG_REFUSE_SAME=1 "LD_PRELOAD=$DLG_BUILD_DIR/tests/librefuse.so" $train --epochs 1 --save unlike
fi

# Links are followed, also to what is not there yet.
ln -s there/target ahead
ln -s ahead further
expect 0 "" $train --epochs 1 --save further
[ -h further ] && [ -h ahead ] && [ -f there/target ] || fail "a link is replaced: $(ls -l further ahead there)"
expect 0 "" $train --epochs 1 --load ahead --save further
ln -s around round
ln -s round around
expect 1 "cannot write round: Too many levels of symbolic links" $train --epochs 1 --save round
expect 1 "cannot write round: Too many levels of symbolic links" $train --epochs 1 --save round --folds 2
ln -s nowhere/target lost
expect 1 "cannot write lost: No such file or directory" $train --epochs 1 --save lost

# A file is not the standard output, though its number was free.
expect 3 "cannot write to the standard output" sh -c 'exec dlg train line.cl --set rate=0.3 --epochs 3 --log closed --save closed.w >&-'
grep -v '^{"epoch":' closed && fail "the log got what was printed"
expect 0 "" "$DLG" eval line.cl --load closed.w
(exec "$DLG" train line.cl --set rate=0.3 --quiet --epochs 3 --log closed <&- >&- 2>&-) || fail "all are closed"
grep -v '^{"epoch":' closed && fail "the log got what was printed"

# "-" is the standard output for a log, and no file for what is none: "./-" is one of that name.
expect 0 '{"epoch":1,' dlg train line.cl --set rate=0.3 --epochs 3 --log - --save w
[ "$(grep -c '^{"epoch":' out)" -eq "$(wc -l <out)" ] || fail "more than the log: $(cat out)"
for option in --save --checkpoint --profile; do
    expect 1 "$option -: it goes to a file, not to the standard output; ./- is a file of that name" $forever $option -
done
expect 1 "--get -: it goes to a file" "$DLG" run line.cl --rows 0 --get w=-
expect 2 "--folds writes a log a fold" $forever --folds 2 --log -
if [ -e /dev/full ]; then
    dlg train line.cl --set rate=0.3 --epochs 3 --log - >/dev/full 2>err
    [ $? -eq 3 ] && grep -q "cannot write the standard output: No space left" err || fail "a full one: $(cat err)"
fi
[ -e - ] && fail "a file is called -"
expect 0 "" $train --epochs 1 --save ./- --log -
[ -f ./- ] || fail "./- is none"

# What cannot be written is told at once.
expect 1 "cannot write there: it is a directory" $forever --save there
expect 1 "cannot write there: it is a directory" $forever --log there
expect 1 "--save names no file" $forever --save ""
expect 1 "--log names no file" $forever --log ""
expect 1 "cannot write no/such/w: No such file" $forever --save no/such/w
expect 1 "cannot write no/such/l: No such file" $forever --log no/such/l
expect 1 "cannot write /dev/null: it is not a regular file" $forever --save /dev/null
expect 1 "cannot write there.npy: it is a directory" sh -c "mkdir there.npy && dlg run line.cl --rows 0 --get p=there.npy"

# run: --get.
expect 0 "" "$DLG" run line.cl --rows 0 --get w=w.npy
cp w.npy before.npy
expect 1 "that is what --set reads" "$DLG" run line.cl --rows 0 --set w=w.npy --get b=w.npy
expect 1 "--get and --get are one file" "$DLG" run line.cl --rows 0 --get w=w.npy --get b=w.npy
same w.npy before.npy
ls | grep -E 'tmp|\.[A-Za-z0-9]{6}$' && fail "temporary files are left"
done_testing
