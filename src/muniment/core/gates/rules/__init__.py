"""Rules: the requirements of a policy. Each gives one boolean and one message.

A rule sees only the verified case, so the same case gives the same finding on any day and machine. Missing,
null or stale evidence denies, and the message says so.
"""
