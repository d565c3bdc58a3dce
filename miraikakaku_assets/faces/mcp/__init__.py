"""The Model Context Protocol server: tools for language models over the use cases that the other faces ask, too.

Here belong what a tool is called, what it may be asked, and how its answer is kept short. What is true of prices,
coverage or forecasts does not.
"""
