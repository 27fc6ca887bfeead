# What demo.sh and test.sh share; sourced, not run. Sets root; defines need and build.
# shellcheck shell=sh
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || cpus=2

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2; exit 1; }

build_packages="gcc libc6-dev make cmake pkg-config flex bison libjansson-dev libxxhash-dev \
zlib1g-dev libminizip-dev ocl-icd-opencl-dev opencl-c-headers pocl-opencl-icd"
test_packages="g++ libcunit1-dev valgrind oclgrind"

# need PACKAGE...: installs those that are missing, where the system is Debian or made from it.
# Elsewhere it only says what is needed: configuring tells what it could not find.
need() {
    if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
        say "This is no Debian system, so nothing is installed. What is needed: a C11 compiler, make,"
        say "CMake 3.25, pkg-config, flex, bison 3.6, jansson, xxHash, zlib with its minizip, an OpenCL loader"
        say "with headers and a device (PoCL for the CPU); for the tests CUnit, valgrind and oclgrind too."
        return 0
    fi
    missing=
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=none
        [ "$status" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "Installing from the distribution:$missing"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "not root and there is no sudo; as root: apt-get install$missing"
        as_root="sudo"
    fi
    log=$(mktemp) || exit 1
    # shellcheck disable=SC2086 # lists of words
    { $as_root apt-get update -q &&
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends $missing
    } >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "apt-get could not install:$missing"; }
    rm -f "$log"
}

# build DIRECTORY [CMAKE OPTION...]: configures and builds; quiet unless it fails.
build() {
    directory=$1
    shift
    mkdir -p "$directory" || exit 1
    say "Building in $directory"
    { cmake -S "$root" -B "$directory" "$@" && cmake --build "$directory" -j"$cpus"; } \
        >"$directory/build.log" 2>&1 || {
        tail -n 40 "$directory/build.log" >&2
        die "the build failed; all of its output is in $directory/build.log"
    }
}
