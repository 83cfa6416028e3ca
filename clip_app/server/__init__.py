"""What the outside is answered: the JSON, the functions behind every interface, the server."""
