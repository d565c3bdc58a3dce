"""Commands ``self-test …``, and how they say what they have found."""
