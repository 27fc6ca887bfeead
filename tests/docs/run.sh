#!/bin/sh
# run.sh DLGC: compiles the examples of the documents: every block ```dlg of docs/*.md and README.md.
# A block that has no entry gets one; a block ```dlg-wrong CODE must be refused with that code. A block
# ```dlg-error CODE, or ```sh-error CODE whose commands make model.dlg, must be refused with that code, and with what
# the block ```text after it says, if there is one. docs/errors.md has a section for every code of diag.def.
set -u
dlgc=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tmp=${DLG_TMP:-$(mktemp -d)}
failed=0
count=0
for page in "$root"/docs/*.md "$root"/docs/help/*.md "$root"/README.md; do
    [ -f "$page" ] || continue
    name=$(basename "$(dirname "$page")")-$(basename "$page" .md)
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

# docs/passes.md: docs/loop.svg draws what is drawn now, node by node and edge by edge.
awk '/^# loop.dlg$/ { on = 1 } /^```$/ { on = 0 } on' "$root/docs/passes.md" >"$tmp/loop.dlg"
count=$((count + 1))
"$dlgc" -O1 --emit dot "$tmp/loop.dlg" -o "$tmp/loop.dot" || failed=$((failed + 1))
sed -n 's/^ *\([nvo][0-9_]*\) \[.*/\1/p; s/^ *\([nvo][0-9_]* -> [nvo][0-9_]*\).*;$/\1/p' "$tmp/loop.dot" | sort >"$tmp/drawn"
sed -n 's/^<title>\([nvo][0-9_].*\)<\/title>$/\1/p' "$root/docs/loop.svg" | sed 's/&#45;&gt;/ -> /' | sort >"$tmp/shown"
if ! [ -s "$tmp/drawn" ] || ! diff "$tmp/shown" "$tmp/drawn"; then
    echo "FAIL: docs/loop.svg is out of date; docs/passes.md says how it was made"
    failed=$((failed + 1))
fi

# Every function of the prelude has an example in docs/prelude.md. These are parts of others:
parts='shift_of|probabilities_of|pad_last|with_place|per_group|pool_windows|pool_windows1d|per_channel|channel_mean|split_heads|prepared|warmth'
sed -n '/^```dlg$/,/^```$/p' "$root/docs/prelude.md" | sed 's/#.*//' >"$tmp/prelude-examples"
for name in $(sed -n 's/^fn \([a-z_0-9]*\)(.*/\1/p; s/^optimizer \([a-z_0-9]*\)(.*/\1/p' "$root/kernels/prelude.dlg" | grep -vxE "$parts"); do
    grep -qE "(^|[^a-z_0-9])$name\(" "$tmp/prelude-examples" && continue
    echo "FAIL: $name of the prelude has no example in docs/prelude.md"
    failed=$((failed + 1))
done

# Everything in dlg.h is documented, for doxygen too, where that is there.
if command -v doxygen >/dev/null; then
    count=$((count + 1))
    said=$(cd "$root" && { cat docs/Doxyfile; echo "OUTPUT_DIRECTORY = \"$tmp/reference\""; } | doxygen - 2>&1)
    if [ -n "$said" ] || [ ! -f "$tmp/reference/html/dlg_8h.html" ]; then
        echo "FAIL: doxygen docs/Doxyfile: $said"
        failed=$((failed + 1))
    fi
fi

# Whether the device that DLG_DEVICE names is a processor: pairs are for these.
on_processor() {
    (export DLG_SOURCE_DIR="$root" && . "$root/tests/cmd/lib.sh" && on_processor)
}

# The guides: the files and commands of each, in order, in one directory.
for guide in tutorial your-own-data reading-the-code tuning; do
    tour=$tmp/$guide
    mkdir -p "$tour"
    awk -v to="$tour" '
        /^```(dlg|csv)-file / { file = to "/" $2; next }
        /^```sh-run$/ { file = to "/step" ++steps ".sh"; next }
        /^```/ { if (file) close(file); file = ""; next }
        file { print > file }
    ' "$root/docs/$guide.md"
    [ -n "${DLG:-}" ] && [ -z "${DLG_SANITIZE:-}" ] || continue
    step=1
    while [ -f "$tour/step$step.sh" ]; do
        if grep -q -e ' --pair' "$tour/step$step.sh" && ! on_processor; then
            step=$((step + 1))
            continue
        fi
        count=$((count + 1))
        if ! (cd "$tour" && PATH=$(dirname "$DLG"):$PATH DLG_SAMPLES=$root/samples sh -e step$step.sh) >"$tour/said$step" 2>&1; then
            echo "FAIL: a command of docs/$guide.md"
            cat "$tour/step$step.sh" "$tour/said$step"
            failed=$((failed + 1))
        fi
        step=$((step + 1))
    done
    [ $step -gt 3 ] || { echo "FAIL: docs/$guide.md has no commands"; failed=$((failed + 1)); }
done

# docs/errors.md: the whole of what is said.
errors=$tmp/errors
mkdir -p "$errors"
awk -v to="$errors" '
    /^```(dlg|sh)-error / { kind = substr($1, 4); sub("-error", "", kind); code = $2; file = to "/" code "." kind; next }
    /^```text$/ { if (code) file = to "/" code ".text"; next }
    /^```/ { if (file) close(file); file = ""; next }
    /^## / { code = "" }
    file { print > file }
' "$root/docs/errors.md"
for code in $(sed -n 's/^X(\([EW][0-9]*\),.*/\1/p' "$root/compiler/diag.def"); do
    title=$(sed -n "s/^X($code, \"\(.*\)\")/\1/p" "$root/compiler/diag.def")
    if ! grep -qxF "## $code: $title" "$root/docs/errors.md"; then
        echo "FAIL: docs/errors.md has no section \`$code: $title\`"
        failed=$((failed + 1))
    fi
    case $code in
    E0603 | E0901) continue ;; # a limit that others come before; a fault of the compiler
    esac
    count=$((count + 1))
    mkdir -p "$errors/$code"
    [ -f "$errors/$code.dlg" ] && cp "$errors/$code.dlg" "$errors/$code/model.dlg"
    [ -f "$errors/$code.sh" ] && (cd "$errors/$code" && sh ../$code.sh)
    arguments=$(head -c 200 "$errors/$code/model.dlg" | tr -d '\0' | sed -n '1s/^# dlgc: //p')
    # shellcheck disable=SC2086 # a list of words
    (cd "$errors/$code" && "$dlgc" $arguments model.dlg -o out.cl) 2>&1 | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$errors/$code.said"
    if ! head -1 "$errors/$code.said" | grep -qE "^(error|warning)\[$code\]"; then
        echo "FAIL: the example of $code in docs/errors.md gives another error"
        head -5 "$errors/$code.said"
        failed=$((failed + 1))
    elif [ -f "$errors/$code.text" ] && ! diff "$errors/$code.text" "$errors/$code.said"; then
        echo "FAIL: what docs/errors.md shows for $code is not what is said"
        failed=$((failed + 1))
    fi
done
# What the commands of README.md and in the samples' first lines write leaves a clone as it was.
outputs() { # outputs FILE...: the paths that its commands write
    sed -nE 's/^[# ]*(sh )?(build\/)?(dlgc? .*)/\3/p' "$@" | sed 's/  *#.*//' | awk '
        { for (i = 1; i < NF; i++) if ($i ~ /^(--save|--checkpoint|--log|--profile|-o)$/ && $1 " " $2 != "dlg report") print $(i + 1) }
        $2 != "report" && !/ --emit c/ { next }
        { file = $2 == "report" ? $3 : $2; sub(/\.[a-z]*$/, "", file) }
        $2 == "report" { print file ".html"; next }
        { print file ".c"; print file ".h" }' | sort -u
}
if command -v git >"$tmp/git" 2>&1; then
    count=$((count + 1))
    mkdir -p "$tmp/clone/samples"
    cp "$root/.gitignore" "$tmp/clone"
    outputs "$root/README.md" "$root"/samples/*.dlg >"$tmp/outputs"
    [ "$(wc -l <"$tmp/outputs")" -gt 8 ] || failed=$((failed + 1))
    (cd "$tmp/clone" && git init -q . && git add .gitignore && xargs touch) <"$tmp/outputs" || failed=$((failed + 1))
    if (cd "$tmp/clone" && git status --porcelain --untracked-files=all | grep '^??'); then
        echo "FAIL: .gitignore does not have these, which commands of README.md or of samples write"
        failed=$((failed + 1))
    fi
fi
echo "$count examples, $failed failed"
[ $failed -eq 0 ] && [ $count -gt 0 ]
