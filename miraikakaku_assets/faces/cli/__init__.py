"""The command line: options, progress, tables and exit codes. What a command decides belongs to `application`."""
