# compiler.sh: sourced by scripts whose first argument is dlgc and which can rewrite what is kept: what cannot be run would
# be kept as it complains.
dlgc=
case ${1-} in
*/dlgc) [ -f "$1" ] && [ -x "$1" ] && dlgc=$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd)/dlgc ;;
esac
[ -n "$dlgc" ] || {
    echo "FAIL: which dlgc? \`${1-}\` is none that can be run; nothing is rewritten"
    exit 1
}
