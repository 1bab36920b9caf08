"""Rules: what a policy can ask of a version. One rule, one boolean, one message.

A rule looks at case that were verified, and at nothing else: the same case give the same finding, on any
day and machine. Missing, null or stale evidence denies, and the message says so.
"""
