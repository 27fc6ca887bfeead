#!/bin/sh
# A sum so long that one f32 sum a lane would stop growing: half of 600,000,000 ones and zeros.
set -u
cat >half.dlg <<'END'
entry half -> m = mean(cast(iota(600000000) % 2, f32))
END
"$DLG" run half.dlg >out 2>err || { cat err; exit 1; }
grep -qx 'm 0.5' out && exit 0
cat out
exit 1
