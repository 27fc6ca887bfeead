#!/bin/sh
# The structure of what is emitted, not its text. A program of this folder says in comments what it
# expects of the plan for the cpu target:
#   # expect-launches: ENTRY N     as many launches
#   # expect-at-most: ENTRY N      no more than so many
#   # expect-kernels: N            distinct kernels in all
dlgc=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
failed=0
for file in "$here"/*.dlg; do
    if ! "$dlgc" "$file" --emit plan -o plan; then
        failed=1
        continue
    fi
    grep -q '^# expect' "$file" || { echo "$file expects nothing"; failed=1; }
    awk -v file="${file##*/}" '
        FNR == NR && /^\/\/! entry / { entry = $3; count[entry] = 0; next }
        FNR == NR && /^\/\/! launch / { count[entry]++; next }
        FNR == NR && /^\/\/! kernels / { kernels = $3; next }
        FNR == NR { next }
        function wrong(what, want, got) {
            printf "%s: %s: expected %s, got %s\n", file, what, want, got
            bad = 1
        }
        $2 == "expect-launches:" && count[$3] != $4 { wrong("launches of " $3, $4, count[$3] "") }
        $2 == "expect-at-most:" && (!($3 in count) || count[$3] > $4) {
            wrong("launches of " $3, "at most " $4, count[$3] "")
        }
        $2 == "expect-kernels:" && kernels != $3 { wrong("kernels", $3, kernels) }
        END { exit bad }' plan "$file" || failed=1
done
exit $failed
