"""The tests. A package by name, because some libraries install a package of the same name that would hide this one."""
