#!/bin/bash
# PostGIS in the first database, as users of the image expect it.
set -e
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --no-psqlrc -v ON_ERROR_STOP=1 --quiet \
    -c 'CREATE EXTENSION IF NOT EXISTS postgis'
