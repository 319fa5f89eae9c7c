"""Restores the rules of confined servers before the engine starts their containers: python -m firewall."""
