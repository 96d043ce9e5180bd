"""What runs modules that were written for Ansible's interface."""
