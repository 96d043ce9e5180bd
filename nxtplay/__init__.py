"""nxtplay: run Ansible-style playbooks fast, with a check that tells the truth."""

__version__ = "0.1.0"
