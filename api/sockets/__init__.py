"""WebSockets: what many sockets watch together, the messages that they get, and the life of one."""
