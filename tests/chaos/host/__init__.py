"""Faults of a whole host: its engine restarted, killed, frozen or slow, and the host rebooted."""
