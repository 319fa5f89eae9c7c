"""Parts of the benchmark of what an idle fleet costs."""
