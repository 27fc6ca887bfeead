#!/bin/sh
# run.sh [--peers] [--write] [DLG-BENCH OPTION...]: builds the benchmark into build/benchmark and runs it.
#     --peers   installs what to compare with: OpenBLAS and CLBlast from the distribution; JAX, PyTorch and
#               tinygrad into a Python environment of their own in build/bench-venv, once
#     --write   puts the table and the plot into docs/
# For example: run.sh --only 'step/*'; run.sh --peers --write; run.sh --help. docs/benchmarks.md says more.
set -u
. "$(dirname -- "$0")/../scripts/common.sh"
peers=
write=
while :; do
    case ${1:-} in
    --peers) peers=1 ;;
    --write) write=1 ;;
    *) break ;;
    esac
    shift
done

venv=$root/build/bench-venv
if [ -n "$peers" ]; then
    need libopenblas0-pthread libclblast1 python3-venv >&2
    if [ ! -x "$venv/bin/python" ]; then
        python3 -m venv "$venv" || die "python3 cannot make an environment in $venv"
    fi
    # Each that cannot be had is told, and the others are measured. The processor's PyTorch is a tenth of the other.
    "$venv/bin/python" -c 'import torch' 2>/dev/null ||
        "$venv/bin/pip" install -q --index-url https://download.pytorch.org/whl/cpu torch >/dev/null 2>&1 ||
        "$venv/bin/pip" install -q torch >&2 || say "PyTorch cannot be installed" >&2
    for package in numpy jax tinygrad; do
        "$venv/bin/python" -c "import $package" 2>/dev/null || "$venv/bin/pip" install -q "$package" >&2 ||
            say "$package cannot be installed" >&2
    done
fi
build "$root/build/benchmark" -DDLG_BENCH=ON -DDLG_TESTS=OFF >&2
bench=$root/build/benchmark/dlg-bench
if [ -x "$venv/bin/python" ]; then
    set -- --python "$venv/bin/python" "$@"
fi
[ -n "$write" ] || exec "$bench" "$@"

page=$root/docs/benchmarks.md
table=$(mktemp) || exit 1
"$bench" --plot "$root/docs/benchmarks.svg" "$@" >"$table" || {
    status=$?
    rm -f "$table"
    die "the benchmark ended with $status; $page is as it was"
}
awk -v table="$table" '
    /<!-- the last run -->/ { print; print ""; while ((getline line < table) > 0) print line; skip = 1; next }
    /<!-- its end -->/ { skip = 0 }
    !skip
' "$page" >"$table.page" && mv "$table.page" "$page"
rm -f "$table"
say "$page and its plot are those of this run" >&2
