"""The embedded engine: runs orchestrators on an SQLite file; knows no command line, no HTTP and no
console.
"""
