"""SSH: the client's configuration, known hosts, keys, and a transport on paramiko. Nothing outside imports paramiko."""
