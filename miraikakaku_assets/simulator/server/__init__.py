"""The web application, its control endpoints, and the process it runs in."""
