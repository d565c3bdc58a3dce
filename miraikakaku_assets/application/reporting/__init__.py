"""Reports for people: pages and documents made of figures that other use cases have stored."""
