#!/bin/sh
# Runs a command as it is; options and files that are no command go to node.
set -e
case "$1" in
    -*) set -- node "$@" ;;
    *) command -v "$1" >/dev/null 2>&1 || set -- node "$@" ;;
esac
exec "$@"
