"""The running HAProxy: brought up to date with the model, asked for the health of targets."""
