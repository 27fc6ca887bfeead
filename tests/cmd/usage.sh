#!/bin/sh
# The command line itself: help, versions, usage errors and their exit status.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"

expect 2 "Usage: dlg COMMAND" "$DLG"
expect 0 "Usage: dlg COMMAND" "$DLG" --help
expect 0 "dlg 0." "$DLG" --version
expect 0 "Usage: dlg COMMAND" "$DLG" help
for command in train eval run inspect devices verify plot sample report sweep; do
    expect 0 "Usage: dlg $command" "$DLG" $command --help
    expect 0 "Usage: dlg $command" "$DLG" help $command
done
expect 2 "no command \`fly\`" "$DLG" fly
expect 2 "which FILE?" "$DLG" train
expect 2 "one argument too many" "$DLG" train a.dlg b.dlg
expect 2 "unrecognized option '--lr'. A constant of the model is set by -D NAME=VALUE" "$DLG" train --lr 0.1 a.dlg
expect 2 "unrecognized option '--fly'" "$DLG" train --fly a.dlg
grep -q -- "-D NAME" err && fail "--fly is hardly a constant"
expect 2 "unrecognized option '--checkpoint'; \`dlg train\` has it" "$DLG" eval --checkpoint c a.dlg
expect 2 "unrecognized option '--epochs'; \`dlg train\` and \`dlg sweep\` have it" "$DLG" run --epochs 3 a.dlg
expect 2 "unrecognized option '--holdout-data'; \`dlg train\` and \`dlg sweep\` have it" "$DLG" eval --holdout-data x=a a.dlg
mkdir -- --odd
expect 1 "cannot open a.dlg" "$DLG" run -qI --odd a.dlg # several letters
expect 1 "cannot open a.dlg" "$DLG" run -qI--odd a.dlg
expect 1 "cannot open a.dlg" "$DLG" run -qD n=3 a.dlg
expect 2 "unrecognized option '--hold-out'; is it --holdout?" "$DLG" train a.dlg --hold-out=0.2
expect 2 "unrecognized option '--fly'" "$DLG" plot --fly a.jsonl
grep -q -- "-D NAME" err && fail "plot has no constants"
expect 1 "cannot open a.dlg" "$DLG" run a.dlg --entry --fly --set=x=--fly -D n=3
expect 1 "cannot open a.dlg" "$DLG" run --ent predict a.dlg # abbreviated
expect 1 "\`--fly\` is neither a .dlg nor a .cl" "$DLG" run -- --fly
expect 2 "there is no command \`trai\`; is it \`train\`?" "$DLG" trai a.dlg
expect 2 "there is no command \`trian\`; is it \`train\`?" "$DLG" trian a.dlg
expect 2 "there is no command \`predict\`; is it \`run\`?" "$DLG" predict a.dlg # an entry's name
expect 2 "no command and no topic \`trian\`; is it \`train\`?" "$DLG" help trian
expect 2 "no command and no topic \`langauge\`; is it \`language\`?" "$DLG" help langauge
# dlgc looks at its options as dlg does.
expect 2 "dlgc: unrecognized option '--targt'; is it --target?" "$DLGC" --targt=cpu a.dlg
expect 2 "dlgc: unrecognized option '--lr'. A constant of the model is set by -D NAME=VALUE" "$DLGC" --lr 0.1 a.dlg
expect 2 "dlgc: unrecognized option '--mann'" "$DLGC" --mann
grep -q -- "is it" err && fail "what --help hides is no suggestion: $(cat err)"
expect 1 "cannot read a.dlg" "$DLGC" --targ cpu a.dlg # abbreviated
expect 1 "numbers are given in a file, such as a .csv" "$DLG" run "$data/line.cl" --rows 0 --set w=0.5,-1
for value in - 0,1.5; do # the name of a file that is there, or none
    : >"./$value"
    expect 1 "$value: a tensor is read from an .npy" "$DLG" run "$data/line.cl" --rows 0 --set "w=$value"
    grep -q "numbers are given in a file" err && fail "$value is a file"
done
expect 2 "what is to be done with a.dlg? \`dlg train a.dlg\`, for one" "$DLG" a.dlg
echo 'entry predict -> y = iota(4)' >iota.dlg
expect 1 "\`iota\` is neither a .dlg nor a .cl; is it \`iota.dlg\`?" "$DLG" run iota
expect 2 "--epochs takes a whole number of at least 0, not \`-1\`" "$DLG" train --epochs=-1 a.dlg
expect 2 "--epochs takes a whole number, not \`1e3\`" "$DLG" train --epochs 1e3 a.dlg
expect 2 "--epochs is at least 1" "$DLG" train --epochs 0 a.dlg
expect 2 "--steps takes a whole number" "$DLG" train --steps 99999999999999999999 a.dlg
expect 2 "--holdout takes a number of at least 0 and below 1" "$DLG" train --holdout 1 a.dlg
expect 2 "--holdout takes a number" "$DLG" train --holdout nan a.dlg
expect 2 "--data takes NAME=SOURCE, not \`x\`" "$DLG" train --data x a.dlg
expect 2 "--set takes NAME=FILE, not \`=x\`" "$DLG" run --set =x a.dlg
expect 2 "--rows 3:3: there are none" "$DLG" run --rows 3:3 a.dlg
expect 2 "--rows takes a whole number" "$DLG" run --rows x a.dlg
for define in batch batch= =2 batch=x batch=0x10 batch=nan; do
    expect 2 "-D takes NAME=NUMBER (or true or false), not \`$define\`" "$DLG" train -D $define a.dlg
    expect 2 "-D takes NAME=NUMBER (or true or false), not '$define'" "$DLGC" -D $define a.dlg
done
expect 1 "did you mean \`batch\`?" "$DLG" inspect -D batsh=2 "$DLG_SOURCE_DIR/samples/digits.dlg"
expect 2 "--explain prints text of its own: it does not go with --emit" "$DLGC" --emit graph --explain a.dlg
expect 2 "it does not go with --emit" "$DLGC" --explain --emit cl a.dlg
expect 2 "it does not go with --dump-after" "$DLGC" --explain --dump-after grad a.dlg
expect 2 "which weights? Give --load" "$DLG" eval "$data/line.cl"
expect 2 "is compiled already: -D is for a .dlg" "$DLG" inspect -D batch=2 "$data/line.cl"
expect 2 "go with --rows" "$DLG" run "$data/line.cl" --with y
expect 2 "--held-out: the weights say which rows" "$DLG" run "$data/line.cl" --rows 0 --held-out
expect 1 "cannot open missing.dlg: No such file" "$DLG" train missing.dlg
expect 1 "is neither a .dlg nor a .cl" "$DLG" train "$data"
expect 1 "has no entry \`fly\`; it has: train, evaluate, predict" "$DLG" train "$data/line.cl" --entry fly
for command in run eval verify; do
    expect 1 "has no entry \`predit\`; is it \`predict\`?" "$DLG" $command "$DLG_SOURCE_DIR/samples/digits.dlg" \
        --entry predit --load w
done
expect 1 "has no entry \`fly\`" "$DLG" run "$data/line.cl" --entry fly
expect 1 "\`batch\` is a constant of the model: -D batch=32" "$DLG" train "$DLG_SOURCE_DIR/samples/digits.dlg" --set batch=32
expect 1 "has no tensor \`fly\`; it has: " "$DLG" train "$data/line.cl" --set fly=1
expect 1 "the model has no input \`fly\` to give data to; it has: x, y" "$DLG" train "$DLG_SOURCE_DIR/samples/digits.dlg" \
    --data fly=a.csv:0:9
expect 2 "\`dlg devices\` lists them" "$DLG" run "$data/line.cl" --device 99
expect 2 "either --json or --kernels" "$DLG" inspect "$data/line.cl" --json --kernels
expect 2 "nonsense" "$DLG" inspect "$DLG_SOURCE_DIR/samples/xor.dlg" --target nonsense
expect 2 "no-such-device" "$DLG" train "$data/line.cl" --device no-such-device
grep -q DLG_DEVICE err && fail "the environment is named where an option asked"
expect 2 "(the environment variable DLG_DEVICE asks for it); \`dlg devices\` lists them" \
    env DLG_DEVICE=no-such-device "$DLG" train "$data/line.cl"
for target in $(sed -n 's/^X(\([a-z]*\),.*/\1/p' "$DLG_SOURCE_DIR/compiler/target.def"); do
    expect 0 "$target" "$DLG" train --help
    sed -n '/--target/,/default/p' out | grep -q "$target" || fail "--help does not name the target $target"
    "$DLGC" --help | sed -n '/--target/,/default/p' | grep -q "$target" || fail "dlgc --help: $target"
done


# What is given to a name is given once; of a value that stands there twice the last counts.
twice="dlg train $data/line.cl --quiet"
expect 2 "--data x stands there twice: as a.csv:0 and as b.csv:0" $twice --data x=a.csv:0 --data x=b.csv:0
expect 4 "diverged" $twice --set rate=0.3 --set rate=100 --epochs 30000
expect 0 "" $twice --set rate=100 --set rate=0.3 --epochs 30
expect 2 "--holdout-data y stands there twice" $twice --holdout-data y=a.csv --holdout-data x=b.csv --holdout-data y=c.csv
expect 2 "" $twice --set rate=0.3 --epochs 4 --epochs none
expect 0 "" dlg train "$data/line.cl" --set rate=0.3 --epochs 40 --epochs 3
grep -q "epoch 3/3" out || fail "the last does not count: $(cat out)"
# What one option is taken for that another does.
digits=$DLG_SOURCE_DIR/samples/digits
expect 1 "--data x=$digits.csv:0:64" "$DLG" train "$digits.dlg" --set "x=$digits.csv:0:64"
expect 1 "--data x=$digits.csv" "$DLG" train "$digits.dlg" --set "x=$digits.csv"
head -n 64 "$digits.csv" | cut -d , -f 65 >y.csv
expect 0 "note: \`y\` is the same in every batch now; --data y=SOURCE" "$DLG" train "$digits.dlg" --set y=y.csv --steps 1
expect 0 "" "$DLG" train "$digits.dlg" --set y=y.csv --steps 1 --quiet
[ -s err ] && fail "--quiet: $(cat err)"
expect 1 "\`h.w\` is a param: --set h.w=FILE.npy" "$DLG" train "$digits.dlg" --data h.w=w.npy
expect 1 "\`rate\` is one number: --set rate=NUMBER" "$DLG" train "$data/line.cl" --data rate=0.1
[ ! -e /dev/full ] || expect 3 "cannot write /dev/full: No space left" \
    "$DLG" train "$data/line.cl" --set rate=0 --epochs 1 --log /dev/full
expect 2 "the device \`none\` runs nothing" "$DLG" train "$data/line.cl" --device none

# A program edited so that it does not compile is a wrong input, and its own lines are named.
sed 's/get_global_id(0)/not_declared + 0/' "$data/line.cl" >'it"s edited.cl'
line=$(grep -n not_declared 'it"s edited.cl' | head -n 1 | cut -d : -f 1)
expect 1 "it\"s edited.cl:$line:" "$DLG" run 'it"s edited.cl' --rows 0
grep -q "^ *$line | .*not_declared" err || fail "the line is not shown: $(cat err)"
grep -q tempfile err && fail "the driver's own file is named: $(cat err)"

# Of a .dlg they are lines of what it is compiled to, and are said to be.
if [ -z "${DLG_SANITIZE:-}" ]; then
    cp "$DLG_SOURCE_DIR/samples/xor.dlg" "$DLG_SOURCE_DIR/samples/xor.csv" .
    target=$(device_target)
    expect 3 "what xor.dlg compiles to: the kernels do not compile on" env DLG_REFUSE_WORD=k0 \
        "LD_PRELOAD=$DLG_BUILD_DIR/tests/librefuse.so" "$DLG" train xor.dlg --target "$target" --steps 1
    "$DLGC" xor.dlg --target "$target" -o xor.cl || fail "dlgc"
    line=$(grep -n "void k0(" xor.cl | head -n 1 | cut -d : -f 1)
    grep -q "what xor.dlg compiles to:$line:" err || fail "line $line is not named: $(cat err)"
    grep -q "^ *xor.dlg:[0-9]" err && fail "lines of the model are named: $(cat err)"
    grep -qF "the program that it is compiled to: \`dlgc xor.dlg --target $target -o FILE.cl\`" err || fail "what the lines are: $(cat err)"
fi

# One word that is amiss gives thousands of errors, of which the first are shown.
"$DLGC" "$DLG_SOURCE_DIR/samples/digits.dlg" -o digits.cl || fail "dlgc"
sed 's/float/flaot/g' digits.cl >many.cl
expect 1 "many.cl:" "$DLG" run many.cl --set x=none.npy --entry predict
[ "$(wc -l <err)" -gt 10 ] && [ "$(wc -l <err)" -lt 60 ] || fail "$(wc -l <err) lines of errors"

# A cache that PoCL cannot write hides its device: the cause is named.
if env HOME=/dev/null POCL_CACHE_DIR=/dev/null/cache "$DLG" devices >out 2>err; then
    :
else
    expect 3 "POCL_CACHE_DIR" env HOME=/dev/null POCL_CACHE_DIR=/dev/null/cache "$DLG" devices
fi
# One that is empty is none.
expect 0 "0  " env POCL_CACHE_DIR= HOME="$PWD" "$DLG" devices
expect 0 "0  " "$DLG" devices
expect 0 "evaluate@1         1        1" "$DLG" inspect "$data/line.cl"
expect 0 "__kernel void judge(" "$DLG" inspect --kernels "$data/line.cl"
expect 0 '"arena_bytes": 128' "$DLG" inspect --json "$data/line.cl"
expect 0 '"launches": 2' "$DLG" inspect --json "$data/line.cl"
done_testing
