"""PostgreSQL and an MQTT broker that come as wheels; they live as long as the program that needs them."""

from cli.embedded.nats import EmbeddedBroker
from cli.embedded.postgres import EmbeddedPostgres
from cli.embedded.process import GuardedProcess

__all__ = ["EmbeddedBroker", "EmbeddedPostgres", "GuardedProcess"]
