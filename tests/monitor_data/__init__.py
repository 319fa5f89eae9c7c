"""What a site has on disk after a month: state, history, samples, logs and calls of many servers, for tests and pages.

The product's own writers make every file, so that its form cannot be another than on a host.
"""
