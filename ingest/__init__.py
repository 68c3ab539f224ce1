"""MQTT in, one transaction a batch, acknowledgement after commit, retained availability out."""
