"""WebSockets: subjects that many sockets watch, the feeds of messages about them, and the life of one socket."""
