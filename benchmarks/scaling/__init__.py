"""What a size needs: unit costs measured at several sizes, how they grow, and what follows for sizes nobody has run."""
