"""The replay: is each entry of the log true after those before it?"""
