#!/bin/sh
# run.sh DLGC [--update]: golden tests of the compiler.
#
# Every NAME.dlg in a folder here is compiled; what it must give lies beside it:
#   NAME.err    the program is wrong: status 1, exactly this on standard error, no file written
#   NAME.graph  `--emit graph` prints exactly this
#   NAME.plan   `--emit plan` prints exactly this
#   NAME.dot    `--emit dot` prints exactly this
#   NAME.explain  `--explain` prints exactly this
# The first line of a program may add arguments: `# dlgc: -D n=3`. generate.sh in a folder makes the
# programs that are too large or too odd to keep. --update writes what comes out, for review.
set -u
update=${2-}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../compiler.sh"
tmp=${DLG_TMP:-$(mktemp -d)}
failed=0
count=0

fail() {
    echo "FAIL $1: $2"
    failed=$((failed + 1))
}

# compile ARGS...: dlgc within the limits that hold for every program, however wrong: processor time
# and memory.
compile() {
    if [ -n "${DLG_SANITIZE-}" ]; then
        timeout 60 "$dlgc" "$@"
    else
        (ulimit -v 1048576; ulimit -t 3; exec timeout 60 "$dlgc" "$@")
    fi
}

# same EXPECTED ACTUAL NAME
same() {
    if [ "$update" = --update ]; then
        cmp -s "$1" "$2" || { cp "$2" "$1" && echo "updated $3"; }
    elif ! diff -u "$1" "$2"; then
        fail "$3" "the output differs"
    fi
}

for folder in "$here"/*/; do
    name=$(basename "$folder")
    work=$tmp/$name
    rm -rf "$work" && mkdir -p "$work" && cp "$folder"* "$work" && cd "$work" || exit 1
    [ ! -f generate.sh ] || sh ./generate.sh || fail "$name" "generate.sh failed"
    for program in *.dlg; do
        base=${program%.dlg}
        arguments=$(head -c 200 "$program" | tr -d '\0' | sed -n '1s/^# dlgc: //p')
        # A new program in errors/ has no .err yet: --update makes it.
        [ "$update" != --update ] || [ "$name" != errors ] || [ -f "$base.err" ] || : >"$base.err"
        if [ -f "$base.err" ]; then
            count=$((count + 1))
            # shellcheck disable=SC2086
            compile $arguments "$program" 2>"$base.actual" </dev/null
            status=$?
            [ $status -eq 1 ] || fail "$name/$base" "exit status $status, not 1"
            [ ! -e "$base.cl" ] || fail "$name/$base" "a file was written"
            same "$folder$base.err" "$base.actual" "$name/$base.err"
        fi
        for kind in graph plan dot explain; do
            [ -f "$base.$kind" ] || continue
            count=$((count + 1))
            what="--emit $kind"
            [ $kind != explain ] || what=--explain
            # shellcheck disable=SC2086
            compile $arguments $what "$program" >"$base.actual" || fail "$name/$base" "exit status $?"
            same "$folder$base.$kind" "$base.actual" "$name/$base.$kind"
        done
    done
    cd "$tmp" && rm -rf "$work"
done
echo "$count golden tests, $failed failed"
[ $failed -eq 0 ]
