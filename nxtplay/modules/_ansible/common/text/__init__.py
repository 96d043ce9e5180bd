"""As `ansible.module_utils` has it."""
