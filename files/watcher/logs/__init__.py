"""What containers write: followed through the engine, joined, limited, and kept by server."""
