"""Commands that take recipes out of a store and into one."""
