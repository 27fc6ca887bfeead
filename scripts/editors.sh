#!/bin/sh
# editors.sh [--check]: makes the grammars of editors/ from the scanner, the tables of builtins and the prelude, so that
# they know every word. With --check it only says whether they do.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
to=$root/editors
[ "${1:-}" = --check ] && to=${DLG_TMP:-$(mktemp -d)}/editors

join() { sort -u | tr '\n' "$1" | sed "s/.\$//"; }
declarations=$(printf '%s\n' const input param state fn optimizer entry | join '|')
keywords=$(sed -n 's/^\([a-z]*\)  *return T_.*/\1/p' "$root/grammar/dlg.l" |
    grep -vxE "$declarations|and|or|not" | join '|')
builtins=$({
    sed -n 's/^    {"\([a-z_]*\)", builtin_.*/\1/p' "$root/compiler/lower_builtin.c"
    sed -n 's/^ELEMENTWISE([A-Z]*, \([a-z_]*\),.*/\1/p' "$root/compiler/ops.def" | grep -vxE 'and|or|not'
    echo grad
    echo assert
} | join '|')
prelude=$(sed -n 's/^fn \([a-z_0-9]*\)(.*/\1/p; s/^optimizer \([a-z_0-9]*\)(.*/\1/p' "$root/kernels/prelude.dlg" | join '|')
types=$(grep -o '"[a-z0-9]*"' "$root/compiler/dtype.c" | tr -d '"' | grep -E '^(f|bf|i|u|bool)[0-9]*$' | join '|')
[ -n "$keywords" ] && [ -n "$builtins" ] && [ -n "$prelude" ] && [ -n "$types" ]

mkdir -p "$to/vscode/syntaxes" "$to/vim/syntax"
cat >"$to/vscode/syntaxes/dlg.tmLanguage.json" <<END
{
  "name": "dlg",
  "scopeName": "source.dlg",
  "fileTypes": ["dlg"],
  "patterns": [
    { "name": "comment.line.number-sign.dlg", "match": "#.*\$" },
    { "name": "string.quoted.double.dlg", "begin": "\"", "end": "\"|\$",
      "patterns": [{ "name": "constant.character.escape.dlg", "match": "\\\\\\\\[\"\\\\\\\\n]" }] },
    { "match": "\\\\b(fn|optimizer|entry)\\\\s+([A-Za-z_][A-Za-z0-9_]*)",
      "captures": { "1": { "name": "storage.type.dlg" }, "2": { "name": "entity.name.function.dlg" } } },
    { "name": "storage.type.dlg", "match": "\\\\b($declarations)\\\\b" },
    { "name": "keyword.control.dlg", "match": "\\\\b($keywords)\\\\b" },
    { "name": "keyword.other.dlg", "match": "(?<=\")\\\\s+\\\\b(columns|axis|chars|bytes)\\\\b" },
    { "name": "keyword.operator.word.dlg", "match": "\\\\b(and|or|not)\\\\b" },
    { "name": "support.type.dlg", "match": "\\\\b($types)\\\\b" },
    { "name": "constant.language.dlg", "match": "\\\\b(true|false|inf|nan|pi|step|training)\\\\b" },
    { "name": "constant.numeric.dlg", "match": "(?<![A-Za-z0-9_.])([0-9]+(\\\\.[0-9]+)?|\\\\.[0-9]+)([eE][+-]?[0-9]+)?" },
    { "name": "support.function.builtin.dlg", "match": "\\\\b($builtins)\\\\b(?=\\\\s*\\\\()" },
    { "name": "support.function.dlg", "match": "\\\\b($prelude)\\\\b(?=\\\\s*\\\\()" },
    { "name": "keyword.operator.dlg", "match": "<-|->|\\\\.\\\\.\\\\.|\\\\.\\\\.|\\\\*\\\\*|//|[=!<>]=|[-+*/%@<>=~']" }
  ]
}
END
cat >"$to/vim/syntax/dlg.vim" <<END
" Vim syntax of dlg; made by scripts/editors.sh.
if exists("b:current_syntax")
  finish
endif
syn keyword dlgDeclaration $(echo "$declarations" | tr '|' ' ')
syn keyword dlgKeyword $(echo "$keywords" | tr '|' ' ')
syn keyword dlgWord and or not
syn keyword dlgType $(echo "$types" | tr '|' ' ')
syn keyword dlgConstant true false inf nan pi step training
syn match dlgBuiltin "\\<\\%($(echo "$builtins" | sed 's/|/\\|/g')\\)\\>\\ze\\s*("
syn match dlgFunction "\\<\\%($(echo "$prelude" | sed 's/|/\\|/g')\\)\\>\\ze\\s*("
syn match dlgNumber "\\<\\d\\+\\(\\.\\d\\+\\)\\?\\([eE][+-]\\?\\d\\+\\)\\?\\>"
syn match dlgOperator "<-\\|->\\|\\.\\.\\.\\|\\.\\.\\|\\*\\*\\|//\\|[=!<>]=\\|[-+*/%@<>=~']"
syn match dlgComment "#.*\$" contains=@Spell
syn region dlgString start=+"+ skip=+\\\\"+ end=+"\\|\$+
hi def link dlgDeclaration StorageClass
hi def link dlgKeyword Keyword
hi def link dlgWord Operator
hi def link dlgType Type
hi def link dlgConstant Constant
hi def link dlgBuiltin Function
hi def link dlgFunction Identifier
hi def link dlgNumber Number
hi def link dlgOperator Operator
hi def link dlgComment Comment
hi def link dlgString String
let b:current_syntax = "dlg"
END
if [ "${1:-}" = --check ]; then
    diff -r "$root/editors/vscode/syntaxes" "$to/vscode/syntaxes"
    diff -r "$root/editors/vim/syntax" "$to/vim/syntax"
fi
