"""The tools by which an assistant manages the servers: an MCP server over the API, whose caller's token it shows."""
