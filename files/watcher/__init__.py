"""The watcher: has the fleet's runs started when its containers need one, and records what the containers do.

It decides nothing about servers. What is to be done is for the run to find out.
"""
