"""What the OpenAPI description says of bodies and answers. Keep out: routes."""
