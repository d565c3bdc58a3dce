"""Use cases, one verb per file, in a folder per concept; `ports` says what they need from the outside.

No SQL, no HTTP, no framework, no environment: whoever calls a use case hands it the ports.
"""
