"""tsnb as people see it: a real notebook application in a real browser, with real workers."""
