#!/bin/sh
# run.sh DLGC: compiles the examples of the documents: every block ```dlg of docs/*.md and README.md.
# A block that has no entry gets one; a block ```dlg-wrong CODE must be refused with that code.
set -u
dlgc=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tmp=${DLG_TMP:-$(mktemp -d)}
failed=0
count=0
for page in "$root"/docs/*.md "$root"/README.md; do
    [ -f "$page" ] || continue
    name=$(basename "$page" .md)
    # One file a block, called PAGE.LINE.CODE.dlg (CODE is "right" for a program that compiles).
    awk -v to="$tmp/$name" '
        /^```dlg$/ { file = to "." NR ".right.dlg"; next }
        /^```dlg-wrong / { file = to "." NR "." $2 ".dlg"; next }
        /^```/ { if (file) close(file); file = ""; next }
        file { print > file }
    ' "$page"
done
for program in "$tmp"/*.dlg; do
    [ -f "$program" ] || continue
    count=$((count + 1))
    base=$(basename "$program" .dlg)
    grep -q '^entry ' "$program" || echo 'entry example -> nothing = 0' >>"$program"
    messages=$("$dlgc" --emit graph -o "$tmp/out" "$program" 2>&1)
    status=$?
    case $base in
    *.right) [ $status -eq 0 ] ;;
    *) [ $status -eq 1 ] && printf '%s\n' "$messages" | grep -q "error\[${base##*.}\]" ;;
    esac && continue
    echo "FAIL $base: exit status $status"
    cat "$program"
    printf '%s\n' "$messages"
    failed=$((failed + 1))
done
echo "$count examples, $failed failed"
[ $failed -eq 0 ] && [ $count -gt 0 ]
