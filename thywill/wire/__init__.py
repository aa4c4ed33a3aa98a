"""The JSON endpoints of the wire: which pages may ask, how requests are read, how errors are answered."""
