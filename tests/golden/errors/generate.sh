# Programs that are too large to keep, or hold bytes that an editor would damage.
repeat() { # repeat N TEXT
    awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s", text }'
}
bytes() { # bytes N CHARACTER
    head -c "$1" /dev/zero | tr '\0' "$2"
}

printf 'x = 1\ny = "\377\376" + 2\n' >bytes-not-utf8.dlg
printf 'x = "\355\240\200"\n' >bytes-surrogate.dlg
printf 'x = "\300\257"\n' >bytes-overlong.dlg
printf 'x = 1\n# \342\202' >bytes-cut-short.dlg
printf 'x = 1\0002\n' >bytes-nul.dlg
printf '\177ELF\002\001\001\000\000\000' >bytes-binary.dlg
printf '\357\273\277x = = 1\n' >bytes-mark.dlg
printf 'x = 1 \033[31mred\033[0m\n' >bytes-escape-sequence.dlg
{ printf 'x = ' && bytes 10000000 '(' && echo; } >deep-parentheses.dlg
{ printf 'x = ' && bytes 10000000 '[' && echo; } >deep-brackets.dlg
{ printf 'x = ' && bytes 10000000 '-' && echo 1; } >deep-minus.dlg
{ printf 'x = 2' && repeat 100000 ' ** 2' && echo; } >deep-power.dlg
{ printf 'x = 1' && repeat 100000 ' + 1' && echo; } >deep-sum.dlg
repeat 20000 'if 1 == 1 {' >deep-blocks.dlg
{ repeat 20000 'if 1 == 2 { x = 1 } else ' && echo '{ x = 2 }'; } >deep-else.dlg
{ printf 'x = [1' && repeat 2000000 ', 1' && echo ']'; } >long-literal.dlg
{ printf 'x = ' && bytes 10000000 a && echo; } >long-name.dlg
{ printf '# ' && bytes 10000000 a && echo && echo 'x = = 1'; } >long-comment.dlg
{ printf 'x = "' && bytes 10000000 a && echo; } >long-string.dlg
{ printf 'x = 1' && bytes 10000000 ' ' && echo '2'; } >long-spaces.dlg
{ printf 'x = ' && bytes 10000000 1 && echo; } >long-number.dlg
repeat 100000 'x = = 1
' >many-errors.dlg
bytes 17000000 '#' >large-file.dlg
: >empty-but-no-entry.dlg
{ printf 'fn f(a' && awk 'BEGIN { for (i = 0; i < 5000; i++) printf ", a%d", i }' && echo ') { return a }'; } >many-arguments.dlg
awk 'BEGIN { for (i = 0; i < 50000; i++) printf "entry e%d -> a\n", i; for (i = 0; i < 50000; i++) printf "fn f%d() {}\n", i }' >many-entries.dlg
{ echo 'input x : f32[4]' && printf 'y = ' && repeat 9000 'exp(' && printf x && repeat 9000 ')' && echo && echo 'entry predict -> z'; } >deep-calls.dlg
awk 'BEGIN { print "fn f0(x) { return x }"; for (i = 1; i < 40000; i++) printf "fn f%d(x) { return f%d(x) }\n", i, i - 1; print "entry predict -> y = f39999(1)" }' >deep-functions.dlg
printf 'input x : f32[8]\nparam w : f32[8] = 1\ny = x\nfor t in 0..40000 { y = tanh(y * w) + x }\nentry train { minimize sum(y) by sgd }\n' >large-graph.dlg
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "name%dabc = %d\n", i, i; for (i = 0; i < 60000; i++) printf "y%d = nxme%dabc\n", i, i }' >many-unknown-names.dlg
