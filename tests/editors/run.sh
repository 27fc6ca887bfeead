#!/bin/sh
# The grammars for editors know every word of the language, and are what they should be: JSON that parses; and
# Vim, where there is one, gives the words their groups.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=${DLG_TMP:-$(mktemp -d)}
failed=0
sh "$root/scripts/editors.sh" --check || { echo "FAIL: run scripts/editors.sh and commit what it makes"; failed=1; }
if command -v python3 >/dev/null; then
    for json in "$root"/editors/vscode/*.json "$root"/editors/vscode/syntaxes/*.json; do
        python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$json" || { echo "FAIL: $json"; failed=1; }
    done
fi
if command -v vim >/dev/null && vim --version | grep -q '+syntax'; then
    cat >"$tmp/x.dlg" <<'END'
input x : f32[4]  # text
y = softmax(exp(x) * 2.5)
END
    cat >"$tmp/check.vim" <<END
set runtimepath^=$root/editors/vim
syntax on
edit $tmp/x.dlg
let said = []
for place in [[1, 1], [1, 11], [1, 20], [2, 5], [2, 13], [2, 22]]
  call add(said, synIDattr(synID(place[0], place[1], 1), "name"))
endfor
call writefile(said, "$tmp/said")
qa!
END
    vim -N -u NONE -i NONE -n -es -S "$tmp/check.vim" </dev/null >/dev/null 2>&1
    printf '%s\n' dlgDeclaration dlgType dlgComment dlgFunction dlgBuiltin dlgNumber >"$tmp/wanted"
    diff "$tmp/wanted" "$tmp/said" || { echo "FAIL: the groups that Vim gives"; failed=1; }
fi
exit $failed
