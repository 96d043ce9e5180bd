#!/bin/bash
# Creates the database cluster on the first start, then runs the server as user postgres.
#
# POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE   password of the superuser (required, unless
# POSTGRES_HOST_AUTH_METHOD=trust)              everybody is let in)
# POSTGRES_USER, POSTGRES_DB                    default: postgres, and a database named as the user
# POSTGRES_INITDB_ARGS                          further arguments of initdb
# PGDATA                                        default: /var/lib/postgresql/data
# /docker-entrypoint-initdb.d/*.{sh,sql,sql.gz} run in order of name, on the first start only
set -Eeuo pipefail

say() { printf '%s entrypoint: %s\n' "$(date -u '+%F %T')" "$*" >&2; }
die() { say "$*"; exit 1; }

# from_file NAME DEFAULT: $NAME, or the content of the file that $NAME_FILE names.
from_file() {
    local name=$1 file_name=$1_FILE value=$2
    if [[ -n ${!name:-} && -n ${!file_name:-} ]]; then
        die "$name and $file_name are both set: give one"
    elif [[ -n ${!name:-} ]]; then
        value=${!name}
    elif [[ -n ${!file_name:-} ]]; then
        value=$(<"${!file_name}")
    fi
    export "$name=$value"
    unset "$file_name"
}

own_directories() {
    install -d -m 0700 -o postgres -g postgres "$PGDATA"
    find "$PGDATA" ! -user postgres -exec chown postgres:postgres {} +
    install -d -m 2775 -o postgres -g postgres /var/run/postgresql
}

create_cluster() {
    local auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [[ -z $POSTGRES_PASSWORD && $auth != trust ]]; then
        die "no superuser password: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE"
    fi
    local -a password=()
    if [[ -n $POSTGRES_PASSWORD ]]; then password=(--pwfile=/dev/fd/3); fi
    # POSTGRES_INITDB_ARGS is a list of words on purpose.
    # shellcheck disable=SC2086
    initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --auth-local=trust --auth-host="$auth" \
        --encoding=UTF8 "${password[@]}" ${POSTGRES_INITDB_ARGS:-} 3<<<"$POSTGRES_PASSWORD" >&2
    printf '\nhost all all all %s\n' "$auth" >>"$PGDATA/pg_hba.conf"
}

run_scripts() {
    local script
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh)
                say "running $script"
                # shellcheck disable=SC1090
                if [[ -x $script ]]; then "$script"; else . "$script"; fi
                ;;
            *.sql) say "running $script"; run_sql --file="$script" ;;
            *.sql.gz) say "running $script"; gunzip -c "$script" | run_sql ;;
            */\*) ;;
            *) say "ignoring $script" ;;
        esac
    done
}

run_sql() {
    psql --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --no-password --no-psqlrc --quiet \
        -v ON_ERROR_STOP=1 "$@"
}

# A server on the socket alone, so that nobody meets a database that is half set up.
set_up_databases() {
    pg_ctl --pgdata="$PGDATA" --wait --silent --options="-c listen_addresses='' ${*@Q}" start >&2
    if [[ $POSTGRES_DB != postgres ]]; then
        createdb --username="$POSTGRES_USER" --no-password --maintenance-db=postgres "$POSTGRES_DB"
    fi
    run_scripts
    pg_ctl --pgdata="$PGDATA" --wait --silent --mode=fast stop >&2
}

[[ ${1:-} == -* ]] && set -- postgres "$@"
if [[ ${1:-} != postgres ]]; then
    exec "$@"
fi
for option in "$@"; do
    case $option in --help | -\? | --version | -V | --describe-config) exec "$@" ;; esac
done

if [[ $(id -u) == 0 ]]; then
    own_directories
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi

from_file POSTGRES_PASSWORD ''
from_file POSTGRES_USER postgres
from_file POSTGRES_DB "$POSTGRES_USER"
export PGUSER=$POSTGRES_USER

# A first start that was cut short begins again: its half of a database serves nobody.
unfinished=$PGDATA/.setup-unfinished
if [[ -e $unfinished ]]; then
    say "removing what an interrupted first start left in $PGDATA"
    find "$PGDATA" -mindepth 1 -delete
fi

if [[ -s $PGDATA/PG_VERSION ]]; then
    say "using the database cluster in $PGDATA"
else
    say "creating a database cluster in $PGDATA"
    create_cluster
    touch "$unfinished"
    set_up_databases "${@:2}"
    rm "$unfinished"
    say "database cluster ready"
fi
unset POSTGRES_PASSWORD PGUSER
exec "$@"
