"""The asset of the security scan. What is looked for and what follows from it is decided in `application.security`."""
