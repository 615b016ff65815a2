"""What the library offers besides its values: a module for each function, which imports what that
one needs.
"""
