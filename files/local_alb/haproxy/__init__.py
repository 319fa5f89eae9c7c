"""HAProxy's configuration as text, rendered from the model. Nothing here reads or writes anything."""
