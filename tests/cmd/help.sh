#!/bin/sh
# dlg help and the man pages: every option that --help shows, every topic, every error; as wide as a terminal.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"

# options FILE: the long options that a --help shows.
options() {
    sed -n 's/^ *\(-.,  *\)\{0,1\}\(-., \)\{0,1\}--\([a-z-]*\).*/\3/p' "$1" | sort -u
}

# check_man NAME: page has what help has.
check_man() {
    options help | grep -v '^version$' >shown
    [ "$(wc -l <shown)" -ge 2 ] || fail "$1: no options in --help"
    sed -n '/^\.SH OPTIONS/,/^\.SH [MS]/p' page | grep -A 1 '^\.TP' | sed -n 's/^\(\\fB.*, \)\{0,1\}\\fB\\-\\-\([^\\]*\(\\-[^\\]*\)*\)\\fR.*/\2/p' | sed 's/\\-/-/g' | grep -v '^version$' | sort -u >paged
    same shown paged
    head -n 1 page | grep -q '^\.TH DLG' || fail "$1: no head"
    if command -v groff >/dev/null; then
        groff -man -ww -z -Tutf8 page 2>warnings
        [ -s warnings ] && fail "$1: $(head -n 3 warnings)"
    fi
}

commands=$("$DLG" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ "$(echo "$commands" | wc -w)" -ge 10 ] || fail "the commands: $commands"
for command in $commands; do
    "$DLG" "$command" --help >help
    expect 0 "" "$DLG" help --man "$command"
    mv out page
    check_man "dlg-$command"
    # The build keeps each, and dlg(1) names it.
    cmp -s page "$DLG_BUILD_DIR/man/dlg-$command.1" || fail "the build made no dlg-$command.1"
    grep -qF "dlg\\-$command (1)" "$DLG_BUILD_DIR/man/dlg.1" || fail "dlg.1 does not name $command"
done
"$DLGC" --help >help
expect 0 "" "$DLGC" --man
mv out page
check_man dlgc
grep -q -- --man help && fail "--man is for the build"
same page "$DLG_BUILD_DIR/man/dlgc.1"

# Topics. Nothing is wider than a terminal but code, which stands as it is.
topics=$("$DLG" help | sed -n '/^`dlg help TOPIC`/,$p' | sed 's/.*says more: //; s/a command, or.*//' | tr -d ',')
[ "$(echo "$topics" | wc -w)" -ge 10 ] || fail "the topics: $topics"
for topic in $topics; do
    expect 0 "" "$DLG" help "$topic"
    [ "$(wc -l <out)" -ge 8 ] || fail "$topic: nothing is said: $(cat out)"
    awk -v t="$topic" 'length($0) > 82 && !/^    / { print "FAIL: " t ": " $0; bad = 1 } END { exit bad }' out || failures=$((failures + 1))
    grep -q '](' out && fail "$topic: a link is not resolved"
done
expect 0 'DLG_DEVICE' "$DLG" help environment
expect 0 'table.csv:0:64' "$DLG" help data
expect 0 'E0401' "$DLG" help errors
for code in $(sed -n 's/^X(\([EW][0-9]*\),.*/\1/p' "$DLG_SOURCE_DIR/compiler/diag.def"); do
    "$DLG" help "$code" >said || fail "there is no help on $code"
    head -n 1 said | grep -q "^$code: " || fail "$code: $(head -n 1 said)"
    "$DLG" help errors | grep -q "$code: " || fail "$code is not listed"
done
expect 0 "E0401: shapes do not match" "$DLG" help e0401
grep -q "E0402" out && fail "one error, not the next"
for wrong in fly E9999 E04 --fly ""; do
    expect 2 "there is no command and no topic \`$wrong\`" "$DLG" help "$wrong"
done
expect 2 "there is no command and no topic" "$DLG" help --man fly
"$DLG" --help >help
for again in "help" "help --help" "help -h" "-?"; do
    # shellcheck disable=SC2086 # two words
    expect 0 "Usage: dlg COMMAND" dlg $again
    same out help
done
if [ -e /dev/full ]; then
    full() { # full COMMAND...: what it cannot write is an error
        "$@" >/dev/full 2>err
        got=$?
        [ $got -eq 3 ] && grep -q "cannot write to the standard output" err || fail "a full standard output: status $got: $*"
    }
    echo 'entry predict -> y = iota(4)' >iota.dlg
    for text in "help data" help --help --version "train --help" "train --usage" "help train" devices "inspect iota.dlg" \
        "inspect iota.dlg --kernels"; do
        full dlg $text
    done
    for text in --help --usage --version --man; do full "$DLGC" $text; done
fi
done_testing
