"""Hosts, groups and patterns, from INI, YAML, scripts and directories."""
