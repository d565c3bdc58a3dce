"""Who is told what of an alert, and when: levels, silences, inhibition, routes and the states of alerts.

Pure rules over the states. What is watched and how a channel is reached is elsewhere.
"""
