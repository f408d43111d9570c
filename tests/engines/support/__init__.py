"""What the tests of every engine share; each file says its own part."""
