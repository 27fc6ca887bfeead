#!/bin/sh
# Every call that can fail fails: see failures.c.
exec "$DLG_BUILD_DIR/tests/test_failures" "$DLG_TMP"
