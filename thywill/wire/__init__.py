"""The JSON endpoints of the wire: who may ask, what a request holds, how an error is answered."""
