"""The methods of an application that pages or the clock call, and the check of what pages pass to them."""
