"""Whether MCP servers are right: files that say what to ask and what to expect, run by pytest over the SDK's client.

It imports nothing of Ansible. ``python -m verify --help`` says how it is started; docs/verify.md is for people.
"""
