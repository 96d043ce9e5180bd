#!/bin/sh
# Fills in /etc/nginx/templates, runs the scripts of /docker-entrypoint.d, then the command.
set -e

if [ "$1" = nginx ]; then
    for template in /etc/nginx/templates/*.template; do
        [ -f "$template" ] || continue
        # Only names that are set are replaced: $host and the like belong to nginx.
        names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/${\1}/p')
        # shellcheck disable=SC2094
        envsubst "$names" <"$template" >"/etc/nginx/conf.d/$(basename "$template" .template)"
    done
    for script in /docker-entrypoint.d/*.sh; do
        [ -f "$script" ] || continue
        # shellcheck disable=SC1090
        if [ -x "$script" ]; then "$script"; else . "$script"; fi
    done
fi
exec "$@"
