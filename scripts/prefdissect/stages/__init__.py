"""One function per rule: read the tables, call the library, write the tables.

Paths are explicit, and nothing computes here.
"""
