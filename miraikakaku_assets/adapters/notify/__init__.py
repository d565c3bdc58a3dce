"""Sending one message to one channel, and reading its answer.

Who is told, when and how often is decided in `application.alerting`.
"""
