#!/bin/bash
# Runs once, when the database container first makes its data: the role and the database of the application.
# The role has no special rights; PARKING_DATABASE_PASSWORD comes from docker-compose.yml.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v password="$PARKING_DATABASE_PASSWORD" -U "$POSTGRES_USER" -d postgres <<'SQL'
CREATE ROLE parking LOGIN PASSWORD :'password';
CREATE DATABASE parking OWNER parking;
SQL
