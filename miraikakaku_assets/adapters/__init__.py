"""What implements the ports: sources, storage, files, forecasters with libraries, drawing, notifications.

Adapters know ports and the domain, no use case and not each other.
"""
