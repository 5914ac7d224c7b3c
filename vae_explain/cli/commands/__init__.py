"""The commands, each in a file of its name with a function of its name."""
