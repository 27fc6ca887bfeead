# lib.sh: shared by the tests of the command line; sourced, in an empty directory of the test's own.
set -u
data=$DLG_SOURCE_DIR/tests/data
failures=0
export DLG_TILES=$PWD/tiles.json # none are remembered
PATH=$(dirname -- "$DLG"):$PATH # so that `dlg` works where a path with spaces would not

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# expect STATUS TEXT COMMAND...: the command ends with the status and says the text (on either stream,
# which stay in out and err).
expect() {
    want=$1
    text=$2
    shift 2
    "$@" >out 2>err
    got=$?
    if [ "$got" -ne "$want" ]; then
        fail "status $got, not $want: $*"
        sed 's/^/    /' out err
    elif [ -n "$text" ] && ! cat out err | grep -qF -- "$text"; then
        fail "does not say \`$text\`: $*"
        sed 's/^/    /' out err
    fi
    if grep -qE 'Sanitizer|runtime error' err; then
        fail "a sanitizer's report: $*"
        sed 's/^/    /' err
    fi
}

# The lines of `dlg devices` about the device that is tested on.
device_lines() {
    "$DLG" devices | awk -v asked="${DLG_DEVICE:-0}" '
        /^[0-9]/ { if (found) exit
                   name = $0
                   sub(/^[0-9]+ +/, "", name)
                   found = asked ~ /^[0-9]+$/ ? asked == $1 : index(name, asked) > 0 }
        found'
}

# Whether that is a processor: what only these do is tested there alone.
on_processor() {
    device_lines | sed -n 2p | grep -q '^ *cpu,'
}

# What `dlg` compiles for there.
device_target() {
    device_lines | sed -n 's/^ *dlgc --target //p'
}

# What it is called where tiles are remembered.
device_key() {
    device_lines | sed -n '1s/^[0-9]*  //p;2s/.*, driver /, driver /p' | tr -d '\n'
}

# on_own_disk SCRIPT AND: runs what may mount a disk of its own. Where nothing can be mounted, by it (status 77) or by anyone, that is said,
# with AND behind it.
on_own_disk() {
    unshare -rm true 2>why && {
        unshare -rm sh "$1" 2>why
        status=$?
        case $status in
        0) return ;;
        77) ;;
        *)
            fail "on a disk of its own: status $status: $(cat why)"
            return
            ;;
        esac
    }
    echo "nothing can be mounted here ($(tail -n 1 why))$2"
}

same() {
    cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

done_testing() {
    [ "$failures" -eq 0 ] && exit 0
    echo "$failures failed"
    exit 1
}
