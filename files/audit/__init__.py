"""Known vulnerabilities of what this product and the images that it builds are made of."""
