#!/bin/sh
# in_tmp.sh DIRECTORY SCRIPT [ARG...]: runs SCRIPT in an emptied DIRECTORY, which it keeps only on failure.
set -u
directory=$1
script=$2
shift 2
rm -rf "$directory" && mkdir -p "$directory" && cd "$directory" || exit 1
# What `dlg tune` remembers is not the user's, nor of another test.
export DLG_TILES="$directory/remembered-tiles.json"
sh "$script" "$@"
status=$?
if [ "$status" -eq 0 ] || [ "$status" -eq 77 ]; then
    cd / && rm -rf "$directory"
else
    echo "left as it was: $directory"
fi
exit "$status"
