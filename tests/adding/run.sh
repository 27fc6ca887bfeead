#!/bin/sh
# docs/adding-an-operator.md holds: its row, put into a copy of the sources, is all that an operator needs.
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
fail() {
    echo "$*"
    exit 1
}

tree=$DLG_TMP/tree
mkdir "$tree" && cd "$DLG_SOURCE_DIR" || exit 1
for part in CMakeLists.txt cmake compiler grammar kernels runtime tests samples; do
    cp -R "$part" "$tree" || exit 1
done
cd "$tree" || exit 1
row=$(sed -n '/^```c$/,/^```$/p' "$DLG_SOURCE_DIR/docs/adding-an-operator.md" | grep '^ELEMENTWISE')
[ -n "$row" ] || fail "the page has no row"
name=$(printf '%s\n' "$row" | cut -d, -f2 | tr -d ' ')
ROW=$row awk '{ print } /^ELEMENTWISE\(ERF,/ { print ENVIRON["ROW"] }' compiler/ops.def >ops.new &&
    mv ops.new compiler/ops.def
grep -q "$name" compiler/ops.def || fail "the row found no place"

{ "$CMAKE" -S . -B build -DDLG_TESTS=ON -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0 &&
    "$CMAKE" --build build -j2 --target dlgc test_interp test_grad test_diff; } >build.log 2>&1 ||
    { tail -n 30 build.log; fail "the copy does not build"; }
for test in test_interp test_grad test_diff; do
    DLG_DIFF=none DLG_DIFF_EACH_ONCE=1 DLG_DIFF_SEEDS=0 DLG_WILD_SEEDS=0 "build/tests/$test" >log 2>&1 || { cat log; fail "$test fails"; }
done
printf 'input x : f32[7]\nparam w : f32[7] = 1\nentry e -> y = %s(x), g = grad(sum(%s(w * x)), w)\n' \
    "$name" "$name" >try.dlg
build/dlgc try.dlg -o try.cl || fail "a program cannot call it"
grep -q "$name(" try.cl || fail "no kernel calls it"
echo "$name: one row"
