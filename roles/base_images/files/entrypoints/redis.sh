#!/bin/sh
# Starts redis-server as user redis with its data in /data; other commands run as they are.
set -e
case "$1" in
    -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "$1" = redis-server ]; then
    # Who publishes the port decides who may connect; without a configuration of its own the
    # server would answer to the loopback address of the container alone.
    case "$2" in
        '' | --*) set -- "$@" --protected-mode no ;;
    esac
    if [ "$(id -u)" = 0 ]; then
        find . ! -user redis -exec chown redis:redis {} +
        set -- setpriv --reuid=redis --regid=redis --init-groups -- "$@"
    fi
fi
exec "$@"
