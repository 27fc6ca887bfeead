#!/bin/sh
# run_all.sh SECONDS OUT [BINARIES [SEEDS]]: runs all fuzzers side by side, several of each on as many processors as
# there are, and says what they did. Findings, logs and grown corpora lie in OUT. Fails when there is a finding.
# BINARIES holds fuzz_NAME, SEEDS a folder NAME for each, and perhaps NAME.dict; both are beside this script otherwise.
set -u
here=$(cd "$(dirname -- "$0")" && pwd)
seconds=${1:?run_all.sh SECONDS OUT} out=${2:?run_all.sh SECONDS OUT}
binaries=${3:-$here/bin} seeds=${4:-$here/seeds}
mkdir -p "$out/findings" "$out/logs" || exit 1
cpus=$(nproc)
[ -d "$here/lib" ] && export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LC_ALL=C
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=32:handle_abort=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

# What is large or grows much gets more of the processors.
names=$(cd "$binaries" && for f in fuzz_*; do echo "${f#fuzz_}"; done)
[ "$cpus" -ge 16 ] && names="$names compile compile compile plan"

# libFuzzer goes by the clock, and they share the processors.
# shellcheck disable=SC2086 # a list of words
share=$(set -- $names; echo $((($# + cpus - 1) / cpus)))
running=
number=0
for name in $names; do
    number=$((number + 1))
    corpus=$out/corpus/$name
    mkdir -p "$corpus"
    set -- -max_total_time="$seconds" -timeout=$((25 * share)) -rss_limit_mb=2048 -report_slow_units=$((25 * share)) -print_final_stats=1 -seed=$number -reload=30 \
        -artifact_prefix="$out/findings/$name-" -use_value_profile=$((number % 2))
    [ -f "$seeds/$name.dict" ] && set -- "$@" -dict="$seeds/$name.dict"
    case $name in
    compile) set -- "$@" -max_len=4096 ;;
    plan) set -- "$@" -max_len=16384 ;;
    *) set -- "$@" -max_len=8192 ;;
    esac
    set -- "$@" "$corpus"
    [ -d "$seeds/$name" ] && set -- "$@" "$seeds/$name"
    "$binaries/fuzz_$name" "$@" >"$out/logs/$name-$number.log" 2>&1 &
    running="$running $!:$name-$number"
done

failed=0
for each in $running; do
    wait "${each%%:*}"
    status=$?
    [ "$status" -eq 0 ] && continue
    failed=$((failed + 1))
    echo "FINDING: ${each#*:} ended with status $status: $out/logs/${each#*:}.log"
done
printf '%-14s %12s %10s %10s %8s\n' fuzzer executions edges features inputs
for log in "$out"/logs/*.log; do
    name=$(basename "$log" .log)
    awk -v name="$name" '
        /^stat::number_of_executed_units/ { runs = $2 }
        / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1)
                   if ($i == "corp:") corp = $(i + 1) } }
        END { printf "%-14s %12s %10s %10s %8s\n", name, runs == "" ? "?" : runs, cov, ft, corp }' "$log"
done
found=$(find "$out/findings" -type f | wc -l)
echo "$failed fuzzers failed, $found findings in $out/findings"
[ "$failed" -eq 0 ] && [ "$found" -eq 0 ]
