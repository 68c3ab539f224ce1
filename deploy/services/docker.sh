# Real services where a Docker engine answers: the broker and the database of docker-compose.yml, with their
# ports published on the loopback interface. Sourced by up.sh and down.sh.

compose() {
  docker compose --project-directory "$project" -p "$compose_project" \
    -f "$project/docker-compose.yml" -f "$project/deploy/services/compose.ports.yml" "$@"
}

docker_services() {
  command -v docker >/dev/null || return 1
  docker info >/dev/null 2>&1 || return 1
  docker compose version >/dev/null 2>&1 || { say "Docker is here, but not its compose plugin"; return 1; }
  say "starting Mosquitto and TimescaleDB with Docker"
  export PARKING_DATABASE_PASSWORD PARKING_DATABASE_ADMIN_PASSWORD PARKING_MQTT_PASSWORD
  PARKING_DATABASE_PASSWORD=$(new_password)
  PARKING_DATABASE_ADMIN_PASSWORD=$(new_password)
  PARKING_MQTT_PASSWORD=$(new_password)
  echo docker >"$run/kind"
  compose up --detach --wait --wait-timeout 180 mosquitto timescaledb || { compose down --volumes; return 1; }
  # The tests make databases of their own; a deployment's role may not.
  compose exec -T timescaledb psql -qX -U postgres -c 'ALTER ROLE parking CREATEDB' || return 1
  local database broker
  database=$(compose port timescaledb 5432)
  broker=$(compose port mosquitto 1883)
  write_env docker \
    "PARKING_TEST_DATABASE_URL=postgresql://parking:$PARKING_DATABASE_PASSWORD@$database/postgres" \
    "PARKING_TEST_ADMIN_DATABASE_URL=postgresql://postgres:$PARKING_DATABASE_ADMIN_PASSWORD@$database/postgres" \
    "PARKING_TEST_DATABASE_KIND=TimescaleDB of docker-compose.yml" \
    "PARKING_TEST_MQTT_URL=mqtt://parking:$PARKING_MQTT_PASSWORD@$broker" \
    "PARKING_TEST_MQTT_KIND=Mosquitto of docker-compose.yml"
}
