#!/bin/sh
# libdlg as others use it: installed under a prefix, found by pkg-config (shared and static) and by CMake, it
# trains xor from a C program of under 40 lines, without the compiler. The programs of the guide work too.
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
dlgc=${1:?usage: run.sh DLGC}
here=$DLG_SOURCE_DIR/tests/embed
work=$(mktemp -d) || exit 1 # its path has no spaces, which the words of pkg-config could not have
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
prefix=$work/prefix
CC=${CC:-cc}

fail() {
    echo "$*"
    exit 1
}

lines=$(wc -l <"$here/xor.c")
[ "$lines" -lt 40 ] || fail "xor.c has $lines lines: it should show how little is needed"
"${CMAKE:-cmake}" --install "$DLG_BUILD_DIR" --prefix "$prefix" >install.log || fail "$(cat install.log)"
"$dlgc" "$DLG_SOURCE_DIR/samples/xor.dlg" -o xor.cl || fail "the sample does not compile"

# Nothing but dlg_* is exported, and the header that is installed is all that is needed.
library=$(find "$prefix" -name 'libdlg.so')
[ -n "$library" ] || fail "no shared library was installed"
others=$(nm -D --defined-only "$library" | awk '{ print $3 }' | grep -v '^dlg_' | grep -v '@@\?DLG\|^DLG' | head -n 3)
[ -z "$others" ] || fail "the shared library exports more than dlg_*: $others"

# Python finds the library that is installed beside it.
if command -v python3 >/dev/null; then
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$prefix/share/dlg/python python3 -c 'import dlg; print(dlg.version())' >version ||
        fail "dlg.py does not find the library"
    grep -q '^[0-9]' version || fail "dlg.py is of version $(cat version)"
fi

# The man pages are installed too.
for page in dlg dlgc dlg-train dlg-report; do
    [ -s "$prefix/share/man/man1/$page.1" ] || fail "no man page $page.1 was installed"
done

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name dlg.pc)")
export PKG_CONFIG_PATH
strict="-std=c11 -Wall -Wextra -Wpedantic -Werror"

# shellcheck disable=SC2046,SC2086 # words are meant to be split
{
    $CC $strict "$here/xor.c" $(pkg-config --cflags --libs dlg) -Wl,-rpath,"$(dirname "$library")" -o shared ||
        fail "xor.c does not build against the shared library"
    mkdir static && cp "$(find "$prefix" -name libdlg.a)" static
    $CC $strict "$here/xor.c" $(pkg-config --cflags dlg) static/libdlg.a \
        $(pkg-config --static --libs dlg | sed 's/-ldlg//') -o linked || fail "xor.c does not build against libdlg.a"
}
cp "$here/xor.c" "$here/CMakeLists.txt" "$work"
"${CMAKE:-cmake}" -S "$work" -B cmake -DCMAKE_PREFIX_PATH="$prefix" >cmake.log 2>&1 &&
    "${CMAKE:-cmake}" --build cmake >>cmake.log 2>&1 || fail "$(cat cmake.log)"

for program in ./shared ./linked ./cmake/xor; do
    "$program" xor.cl >"out$(basename "$program")" || fail "$program does not train: $(cat out*)"
done
cat outshared
cmp outshared outlinked && cmp outshared outxor || fail "the three programs differ"

# The programs of docs/embedding.md, in the order that they need each other in: training, then running.
awk '/^```/ { inside = ($0 == "```c"); if (inside) n++; next } inside { print > ("guide" n ".c") }' \
    "$DLG_SOURCE_DIR/docs/embedding.md"
[ -f guide2.c ] && [ ! -f guide3.c ] || fail "docs/embedding.md should have two programs"
cp "$DLG_SOURCE_DIR/samples/xor.csv" .
for n in 2 1; do
    # shellcheck disable=SC2046,SC2086
    $CC $strict "guide$n.c" $(pkg-config --cflags --libs dlg) -Wl,-rpath,"$(dirname "$library")" -o "guide$n" ||
        fail "program $n of docs/embedding.md does not build"
    "./guide$n" >"guide$n.out" || fail "program $n of docs/embedding.md fails"
done
grep -q '^0.0[0-9] [01].[09][0-9] [01].[09][0-9] 0.0[0-9]$' guide1.out || fail "the guide's network predicts $(cat guide1.out)"

# The program of the README as it is printed.
awk '/^```/ { inside = ($0 == "```c"); next } inside' "$DLG_SOURCE_DIR/README.md" >readme.c
# shellcheck disable=SC2046,SC2086
$CC $strict readme.c $(pkg-config --cflags --libs dlg) -Wl,-rpath,"$(dirname "$library")" -o readme ||
    fail "the program of the README does not build"
./readme >readme.out || fail "the program of the README fails: $(cat readme.out)"
grep -q '^loss [0-9.]*e-0[3-9]$\|^loss 0.00' readme.out || fail "the README's network ends with $(cat readme.out)"

head -c 400 xor.cl >cut.cl
if ./shared cut.cl 2>message; then fail "a program that is cut off was accepted"; fi
grep -q 'cut.cl:[0-9]*: ' message || fail "the message names no line: $(cat message)"
