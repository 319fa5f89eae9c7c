"""The Elastic Load Balancing API on the wire: HTTP server, signatures, the Query protocol and its constraints."""
