#!/bin/sh
# run.sh DLGC [--update]: what docs/passes.md shows is what dlgc says. A block ```dlg-file NAME is a file; in a block
# ```sh-shown a line that begins with `$ ` is a command, run in order in one directory, and the lines up to the next
# are what it prints. --update writes what is printed now into the page, to be looked at before it is committed.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/../compiler.sh"
page=$here/../../docs/passes.md
tmp=${DLG_TMP:-$(mktemp -d)}
cd "$tmp" || exit 1
PATH=${dlgc%/*}:$PATH awk '
    function run(command, line, all) {
        all = "(" command ") 2>&1 || echo \"exit status $?\""
        while ((all | getline line) > 0) print line
        close(all)
        commands++
    }
    /^```dlg-file / { file = $2; print; next }
    /^```sh-shown$/ { shown = 1; print; next }
    /^```/ { if (file) close(file); file = ""; shown = 0; print; next }
    file { print > file }
    shown && /^\$ / { print; run(substr($0, 3)); next }
    !shown { print }
    END { if (commands < 10) print "the page has hardly a command" }
' "$page" >passes.md || exit 1
if grep -E 'exit status [0-9]+$' passes.md; then
    echo "FAIL: a command of docs/passes.md fails"
    exit 1
fi
if [ "${2:-}" = --update ]; then
    cp passes.md "$page"
    exit
fi
if ! diff "$page" passes.md; then
    echo "FAIL: docs/passes.md shows something else than what is printed (>): see tests/passes/run.sh --update"
    exit 1
fi
