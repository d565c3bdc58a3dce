"""The field that finds a symbol while somebody types; a component in the page itself, without a frame."""
