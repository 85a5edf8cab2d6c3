"""Cases of every measure of the library: small tables that are tests and documentation at once."""
