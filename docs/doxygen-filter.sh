#!/bin/sh
# doxygen-filter.sh FILE: the file with its comments as doxygen takes them: over a declaration, or behind one.
exec sed -e '1s|^/\* |/** @file dlg.h |' -e 's|^\( *\)/\* \([^-]\)|\1/** \2|' -e 's|\([;,{)]\) */\* |\1 /**< |' "$1"
